#pragma once

#include <cstdint>

#include "model/samples/sample.h"
#include "proto/plan/plan.h"

namespace fedtrial::site {

// Deals the patients who train (holds_out ones get none) into folds 1..K of each repeat: in each repeat those with the
// event and then those without, each in the order of SHA-256("fl/folds/v1" || u64 seed || u32 repeat || enc(key)), are
// given out one by one from a start drawn the same way. So folds hardly differ in size and in events, don't depend on
// the order of the tables, and only the site that knows the keys knows who is where.
void DealFolds(const Folds& folds, std::uint64_t seed, Cohort& cohort);

}  // namespace fedtrial::site
