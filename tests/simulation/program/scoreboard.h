#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "model/survival/bootstrap.h"
#include "tests/simulation/program/fits.h"

namespace fedtrial::sim {

// Harrell's C with its 95 % bootstrap interval (patients drawn within hospitals) and the events among those scored.
struct Figure {
  double value = 0.0;
  std::optional<Interval> interval = {};  // without bootstrap: none
  std::size_t events = 0;
};

// Ways to train, scored on the same patients. Names: "federated", "pooled", "cox", "local/<site>",
// "reduced/<covariates>".
using Scores = std::map<std::string, std::vector<double>>;  // linear predictor of every patient

struct Figures {
  std::map<std::string, Figure> of;    // by those names
  Figure local_mean;                   // of the sites' C; none: 0.5
  std::map<std::string, Figure> gain;  // of the federated over "pooled", "cox", "local_mean", "reduced/...": paired
  std::size_t patients = 0;
  double pairs = 0.0;  // of one repeat
};

// Collects concordant pairs over test sets and repeats: C of a repeat is over the pairs within its test sets, the
// figure is the mean over repeats.
class Scoreboard {
 public:
  // `bootstrap` resamples from `seed`; 0: no intervals. With them memory is n^2 / 2 doubles for each way to train.
  Scoreboard(const Patients& patients, unsigned bootstrap, std::uint64_t seed)
      : patients_(patients), bootstrap_(bootstrap), seed_(seed) {}

  // One repeat: its test sets with the scores of models that haven't seen them; all repeats have the same names.
  // `share`: 1 / repeats. kInvalidInput if no two of its patients can be compared.
  Status AddRepeat(const std::vector<std::pair<Rows, Scores>>& test_sets, double share);
  Result<Figures> Finish() const;

 private:
  struct Tally {
    double sum_of_c = 0.0;
    std::optional<PairMatrix> concordant;
  };
  std::size_t Events() const;
  Status AddIntervals(Figures& figures) const;

  const Patients& patients_;
  unsigned bootstrap_;
  std::uint64_t seed_;
  std::size_t repeats_ = 0;
  double pairs_ = 0.0;
  std::map<std::string, Tally> tallies_;
  std::optional<PairMatrix> comparable_;
  std::vector<bool> scored_;
};

}  // namespace fedtrial::sim
