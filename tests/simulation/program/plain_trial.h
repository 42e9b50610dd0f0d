#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "coordinator/tasks/network_start.h"
#include "model/params/model.h"
#include "model/samples/sample.h"
#include "model/samples/volume.h"
#include "proto/plan/plan.h"

namespace fedtrial::sim {

struct PlainOptions {
  // The federation's rule: what fewer than three sites fill is never used, and few values are scaled by the plan's
  // range. Without it, for all patients in one cohort or one hospital alone, whatever anybody fills is used.
  bool fewest_sites = false;
  std::string device = "cpu";
  unsigned threads = 1;
  const VolumeSource* volumes = nullptr;     // null: patients are taken as without images
  coordinator::StartFileTensors start = {};  // of a plan with a start file
  std::function<void(std::size_t done, std::size_t of)> progress = nullptr;  // rounds
  std::function<bool()> stopped = nullptr;                                   // asked before each round
};

// A trial by the tasks of site and coordinator without masks, keys and rounds lost: normalise, grid and the rounds that
// train and recalibrate one block of the plan (a linear one or the fusion) over these cohorts, each a site.
// kUnavailable if `stopped`.
Result<Model> TrainPlainly(const Plan& plan, const Block& block, const std::vector<const Cohort*>& cohorts,
                           const PlainOptions& options);

}  // namespace fedtrial::sim
