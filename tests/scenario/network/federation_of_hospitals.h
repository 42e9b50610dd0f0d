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
#include "proto/plan/layout.h"
#include "tests/simulation/federation.h"

namespace fedtrial {

// A multimodal trial of six hospitals in one process: real cores, masks, tasks. Everybody has clinical values; the
// panel "cytokines" is held by the first three, "labs" by the first two, "mgmt" by all but the last.
class FederationOfHospitals {
 public:
  static constexpr std::uint32_t kHospitals = 6;

  explicit FederationOfHospitals(std::uint64_t seed = 1);

  // The whole trial; fails the test if it comes to no end.
  void Run();

  const Plan& plan() const { return plan_; }
  Cohort& cohort(std::uint32_t site) { return cohorts_.at(site); }
  // Of the last round of training: the model before it, the one after, what each site answered, and the round's layout.
  const Model& before() const { return before_; }
  const Model& after() const { return after_; }
  const std::map<std::uint32_t, Contribution>& answers() const { return answers_; }
  const Manifest& manifest() const { return manifest_; }
  const std::string& train_result() const { return train_result_; }  // JSON
  const std::string& grid_result() const { return grid_result_; }
  // The weighted mean of what these sites answered for a tensor, in double.
  std::vector<double> WeightedMean(const std::set<std::uint32_t>& sites, const std::string& tensor) const;
  std::size_t BlockIndex(const std::string& block) const;

 private:
  Result<Contribution> Answer(std::uint32_t site, const Task& task, const Manifest& manifest, const Model& before);

  std::string toml_;
  Plan plan_;
  std::map<std::uint32_t, Cohort> cohorts_;
  coordinator::ServerState server_;
  Model before_, after_;
  std::map<std::uint32_t, Contribution> answers_;
  Manifest manifest_;
  std::string train_result_, grid_result_;
};

}  // namespace fedtrial
