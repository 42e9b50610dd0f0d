#include "tests/simulation/program/plain_volumes.h"

namespace fedtrial::sim {
namespace {

class NoSource : public VolumeSource {
 public:
  Result<Volume> Load(const VolumeId&) const override {
    return Error{ErrorCode::kInvalidInput, "this program was built without ITK: it reads no volumes"};
  }
};

}  // namespace

std::unique_ptr<VolumeSource> OpenPlainVolumes(const ImagingRules&) { return std::make_unique<NoSource>(); }

}  // namespace fedtrial::sim
