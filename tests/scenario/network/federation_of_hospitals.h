#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "coordinator/tasks/task.h"
#include "model/params/contribution.h"
#include "model/params/model.h"
#include "model/samples/sample.h"
#include "model/samples/volume.h"
#include "proto/plan/layout.h"
#include "tests/simulation/federation.h"

namespace fedtrial {

// Volumes of 16^3 voxels from a rule of the key, each with a lesion.
class VolumesInMemory : public VolumeSource {
 public:
  Result<Volume> Load(const VolumeId& id) const override;
};

// A multimodal trial of six hospitals in one process: real cores, masks, tasks. Everybody has clinical values; the
// panel "cytokines" is held by the first three, "labs" by the first two, "mgmt" by all but the last, "mri" by the
// first four (two scans each, before all landmarks).
class FederationOfHospitals {
 public:
  static constexpr std::uint32_t kHospitals = 6;

  explicit FederationOfHospitals(std::uint64_t seed = 1);

  // The whole trial; fails the test if it comes to no end.
  void Run();

  const Plan& plan() const { return plan_; }
  Cohort& cohort(std::uint32_t site) { return cohorts_.at(site); }

  // The last round of a task: the model before it and after, its layout, what each site answered, and what was made of
  // it (JSON).
  struct Round {
    Model before, after;
    Manifest manifest;
    std::map<std::uint32_t, Contribution> answers;
    std::string result;
  };
  const Round& last(const std::string& task) const { return rounds_.at(task); }
  // Of the last round of training.
  const Model& before() const { return last("train").before; }
  const Model& after() const { return last("train").after; }
  const std::map<std::uint32_t, Contribution>& answers() const { return last("train").answers; }
  const Manifest& manifest() const { return last("train").manifest; }
  // The weighted mean of what these sites answered for a tensor, in double.
  std::vector<double> WeightedMean(const std::set<std::uint32_t>& sites, const std::string& tensor) const;
  std::size_t BlockIndex(const std::string& block) const;

 private:
  Result<Contribution> Answer(std::uint32_t site, const Task& task, const Manifest& manifest, const Model& before);

  std::string toml_;
  Plan plan_;
  std::map<std::uint32_t, Cohort> cohorts_;
  coordinator::ServerState server_;
  VolumesInMemory volumes_;
  std::map<std::string, Round> rounds_;
};

}  // namespace fedtrial
