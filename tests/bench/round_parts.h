#pragma once

#include <cstdint>

#include "coordinator/shell/state_paths.h"
#include "model/params/contribution.h"
#include "model/params/manifest.h"
#include "model/params/model.h"
#include "proto/plan/layout.h"

// One train round over a model of a single tensor, without a network to train.
namespace fedtrial::bench {

Plan BenchPlan();
Task BenchTask(const Plan& plan);
Manifest BenchManifest(unsigned word_bits, std::uint64_t values);
Model BenchModel(std::uint64_t values);
// Small values, another for each site.
Contribution BenchContribution(const Manifest& manifest, std::uint64_t site);
ByteView ValueBytes(const Tensor& tensor);  // as they lie in memory

}  // namespace fedtrial::bench
