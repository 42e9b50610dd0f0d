#include "site_node/worker/visit_preparer.h"

namespace fedtrial::site {
namespace {

class NoPreparer : public VisitPreparer {
 public:
  Result<v1::VisitPrepared> Prepare(const v1::PrepareVisit&, const Plan&, const WorkerConfig&,
                                    const VolumeCache&) override {
    return Error{ErrorCode::kInvalidInput, "fedtrial-worker was built without ITK: it prepares no scans"};
  }
};

}  // namespace

std::unique_ptr<VisitPreparer> MakeVisitPreparer() { return std::make_unique<NoPreparer>(); }

}  // namespace fedtrial::site
