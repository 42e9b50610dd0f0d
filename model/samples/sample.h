#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "common/base/bytes.h"

namespace fedtrial {

// One patient as numbers: units, detection limits and day offsets are settled, nothing is scaled.
struct Sample {
  std::string key;               // the site's pseudonym: never leaves the site, never in a log
  std::vector<double> features;  // in the plan's order, raw; NaN is missing
  double time_days = 0.0;        // from the trial's day 0 to the event or the last contact; finite, >= 0
  bool event = false;            // false: censored at time_days
  std::vector<int> folds;        // the fold (1..K) of each repeat; empty without cross-validation
  bool holds_out = false;        // in the published test split: never trained on
};

struct Cohort {
  std::vector<std::string> feature_names;  // as many as each sample has features
  std::vector<Sample> samples;
};

// All that the core learns of a cohort. Not for the coordinator: its counts are of one site.
struct CohortSummary {
  std::size_t patients = 0;
  std::size_t events = 0;
  std::map<std::string, std::size_t> patients_per_block;  // those with a value of the block
  Digest digest{};                                        // of the tables as read
};

}  // namespace fedtrial
