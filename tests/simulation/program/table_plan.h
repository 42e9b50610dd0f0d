#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "tests/simulation/program/patients.h"

namespace fedtrial::sim {

// The recipe of the first demo (NCCTG lung cancer), with its defaults.
struct Recipe {
  std::vector<double> cuts_weeks = {8, 12, 16, 20, 24, 32, 40, 52, 64, 80, 104};
  double ridge = 10.0;
  unsigned rounds = 30;
  unsigned local_steps = 5;
  double rate = 0.3;
  double rate_half = 5.0;
  unsigned repeats = 20;  // of cross-validation, where no file has the folds; 0: none
  unsigned folds = 5;
  bool folds_from_file = false;
  std::size_t min_patients = 10;
  std::uint64_t seed = 7;
};

// plan.toml of a federation on the patients of a table: normalise, grid, train in float64 and 64-bit words. Every
// feature's range is that of its values, so none is clipped. Names that a plan doesn't allow are made fit.
// kInvalidInput with fewer than three sites that have enough patients.
Result<std::string> PlanOfTable(const Patients& patients, const Recipe& recipe);

}  // namespace fedtrial::sim
