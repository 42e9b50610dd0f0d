#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/contribution.h"
#include "model/params/manifest.h"
#include "model/params/model.h"
#include "model/samples/sample.h"
#include "model/training/patient_input.h"
#include "proto/plan/layout.h"
#include "proto/plan/plan.h"

namespace fedtrial::site {

// Tokens of volumes under the encoder of a replica, by its prefix: computed once while that encoder stays as it is.
struct EncodedVolumes {
  Digest encoder{};
  VolumeTokens tokens;
};
using TokenCache = std::map<std::string, EncodedVolumes>;

// Keeps local training through a kill of the process. Bound to the task and to all that its answer depends on.
struct TrainingMemory {
  Bytes kept;                            // by an earlier process; empty: nothing
  std::function<bool()> due;             // asked after each step: whether to keep it now
  std::function<Status(ByteView)> keep;  // in place of what was kept before
};

// What a task gets beside its data. Answer is called from one thread at a time; `cancel` may be set from any.
struct TaskContext {
  Digest cohort{};  // of the CohortSummary: goes into the contribution, and into the order of mini-batches
  unsigned threads = 1;
  std::string device = "cpu";              // cpu, cuda, cuda:1
  TokenCache* tokens = nullptr;            // kept from task to task; null: within a task alone
  const VolumeSource* volumes = nullptr;   // of the samples' volumes; null: patients are taken as without images
  const TrainingMemory* memory = nullptr;  // of training a network; null: a killed task begins anew
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(double fraction, std::string_view what)> progress = nullptr;

  bool cancelled() const { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }
};

// This site's vector of a round, as `manifest` (Layout of the same plan and task) lays it out. `before` is the model
// the round starts from, empty before the first. kInvalidInput names what of model, cohort or manifest doesn't fit the
// plan or isn't finite; kUnavailable if it was cancelled or the device isn't there. A block is filled if the cohort has
// patients of it, in whatever replica: a replica without any sends zeros.
Result<Contribution> Answer(const Plan& plan, const Task& task, const Manifest& manifest, const Cohort& cohort,
                            const Model& before, TaskContext& context);

// Names of the task kinds this program can answer.
std::vector<std::string> TaskKinds();

}  // namespace fedtrial::site
