#pragma once

#include <map>
#include <string>

#include "common/base/result.h"
#include "model/params/network_shape.h"
#include "model/params/tensor.h"
#include "proto/plan/plan.h"

namespace fedtrial::coordinator {

// Where every replica of the plan's network starts: StartTensors drawn from SHA-256("fl/start/v1" || u64 plan's seed),
// so that whoever has the plan can make the same file.
Result<std::map<std::string, Tensor>> NetworkStartValues(const Plan& plan, const NetworkShape& shape);

}  // namespace fedtrial::coordinator
