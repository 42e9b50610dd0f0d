#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/tensor.h"
#include "model/survival/discrete_hazard.h"
#include "model/survival/scaling.h"
#include "proto/plan/plan.h"

namespace fedtrial {

// This site's patients: features of the block, raw, NaN where missing; one row a place.
struct TrainingData {
  Matrix raw;
  std::vector<GridPlace> places;
};

// One replica of the model as the round starts, and who of this site's patients trains it.
struct ReplicaTask {
  HazardModel before;
  Scaling scaling;
  double patients = 0.0;     // training patients of all sites, >= 1: the ridge is divided by it
  std::vector<bool> trains;  // by patient
};

struct ReplicaUpdate {
  HazardModel delta;         // after - before; exact zeros where nobody trains
  std::size_t patients = 0;  // who trained
  double loss_before = 0.0;  // their mean negative log-likelihood under `before`, without penalty
};

struct TrainingSettings {
  LocalSettings local;
  unsigned round_in_step = 0;
  ScalarType precision = ScalarType::kFloat64;
  unsigned threads = 1;                // of LibTorch, process-wide: results repeat bit for bit with the same
  std::string device = "cpu";          // as FindDevice
  std::uint64_t seed = 0;              // of the round
  Digest cohort{};                     // with the seed gives the order of mini-batches
  std::function<bool()> cancelled;     // asked before every step; may be empty
  std::function<void(double)> on_way;  // fraction done; may be empty
};

// `local.steps` gradient steps of every replica, side by side in one batch (in groups that bound the memory). A step
// lowers: mean over the patients of the negative log-likelihood + ridge / (2 patients) |beta|^2.
// kInvalidInput on shapes that don't fit, a value or model that isn't finite, or training that diverges;
// kUnavailable if it was cancelled, or the device isn't there.
Result<std::vector<ReplicaUpdate>> TrainReplicas(const TrainingData& data, std::span<const ReplicaTask> replicas,
                                                 const TrainingSettings& settings);

}  // namespace fedtrial
