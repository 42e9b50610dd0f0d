#pragma once

#include <map>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/network_shape.h"
#include "model/params/tensor.h"
#include "proto/plan/plan.h"

namespace fedtrial::coordinator {

// Tensors of the network by name, without a replica's prefix: what the plan takes from its start file. Empty for a plan
// without one.
using StartFileTensors = std::map<std::string, Tensor>;

// The blocks that the plan's start file gives, whole. kIntegrity if the bytes have another digest than the plan says;
// kInvalidInput names the first tensor that is missing, of another shape or type than the network's, or not finite, and
// a block of the plan's list that the network or the file doesn't have. What else lies in the file (other blocks, a
// former trial's constants and replicas) isn't read. The plan has a start file.
Result<StartFileTensors> ReadStartFile(const Plan& plan, ByteView file);

// Where every replica of the plan's network starts: `from_file`, and for the other blocks StartTensors drawn from
// SHA-256("fl/start/v1" || u64 plan's seed), so that whoever has the plan and its file can make the same.
Result<std::map<std::string, Tensor>> NetworkStartValues(const Plan& plan, const NetworkShape& shape,
                                                         const StartFileTensors& from_file = {});

}  // namespace fedtrial::coordinator
