#pragma once

#include "common/base/result.h"
#include "coordinator/core/effects.h"
#include "coordinator/shell/model_files.h"
#include "model/params/fixed_point.h"

namespace fedtrial::coordinator {

// Runs the task's Finish on the round's sum and makes model and server state durable. The same sum gives the same files
// and the same digest, so it may be repeated after a crash. kUnavailable: no room on the disk.
Result<StepFinished> MakeStepResult(const Plan& plan, const FinishStep& effect, const Sum& sum,
                                    const ModelFiles& models);

}  // namespace fedtrial::coordinator
