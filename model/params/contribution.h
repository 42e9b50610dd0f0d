#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/manifest.h"
#include "model/params/tensor.h"

namespace fedtrial {

// A site's answer to a task, in the order of the manifest. The value that is summed is weight * value; a statistic has
// weight 1. A block the site doesn't fill has weight 0, contributes false, and exact zeros.
struct Contribution {
  struct Block {
    std::uint64_t weight = 0;  // this site's patients who used the block; at most the plan's patient_cap
    bool contributes = false;
  };
  std::vector<Block> blocks;    // as Manifest::Blocks()
  std::vector<Tensor> tensors;  // as Manifest::tensors, same shapes and types
  Digest cohort{};              // of the CohortSummary it was made from
};

}  // namespace fedtrial
