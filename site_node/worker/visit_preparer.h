#pragma once

#include <memory>

#include "common/base/result.h"
#include "proto/fedtrial/v1/worker.pb.h"
#include "proto/plan/plan.h"
#include "site_node/cache/volume_cache.h"
#include "site_node/worker/site_config.h"

namespace fedtrial::site {

// Puts visits through site_node/imaging and their volumes into the cache. Keeps the atlas between them. One thread. In
// a program built without ITK every visit is kInvalidInput.
class VisitPreparer {
 public:
  virtual ~VisitPreparer() = default;
  // A visit that can't be used as it lies there is an answer (VisitPrepared.failed). kInvalidInput: the plan wants
  // another chain, the atlas isn't installed; kIntegrity: the baseline in the cache doesn't open; kUnavailable: disk
  // full.
  virtual Result<v1::VisitPrepared> Prepare(const v1::PrepareVisit& request, const Plan& plan,
                                            const WorkerConfig& config, const VolumeCache& cache) = 0;
};
std::unique_ptr<VisitPreparer> MakeVisitPreparer();

}  // namespace fedtrial::site
