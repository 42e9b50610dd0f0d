#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/survival/discrete_hazard.h"
#include "model/survival/scaling.h"
#include "site_node/tasks/task.h"

namespace fedtrial::site {

// What every kind of task starts from. Answer has checked that the cohort fits the plan (CheckCohort).
struct TaskInput {
  const Plan& plan;
  const Task& task;
  const Manifest& manifest;
  const Cohort& cohort;
  const Model& before;
};

// Feature values as many as the plan has and never infinite, times finite and >= 0, folds of every repeat where the
// plan has folds (not of test rows).
Status CheckCohort(const Plan& plan, const Cohort& cohort);

// Finite values of one of the model's tensors, as many as are wanted, whatever its shape. kIntegrity if it is absent or
// of another length, kInvalidInput if one isn't finite.
Result<std::vector<double>> ModelValues(const Model& model, const std::string& name, std::size_t wanted);

// A block's part of one replica, as the model has it. kIntegrity names a tensor that is absent or of another shape,
// kInvalidInput one that isn't finite.
struct ReplicaModel {
  HazardModel hazards;
  Scaling scaling;  // of the block's features
};
Result<ReplicaModel> LoadReplica(const Plan& plan, const Model& model, const Replica& replica, const Block& block,
                                 std::size_t bins);
Result<double> TrainingPatients(const Model& model, const Replica& replica);  // of all sites, >= 1
// The endpoint's cuts, of the plan or else of the model. A cohort holds the outcome of the plan's first endpoint alone.
Result<Grid> GridOf(const Plan& plan, std::string_view endpoint, const Model& model);

// Of the samples in their order: the block's features, raw; outcomes; who trains in a replica.
Matrix FeaturesOf(const Block& block, const Cohort& cohort);
std::vector<Outcome> OutcomesOf(const Cohort& cohort);
// Whether a patient who trains has a value of the block's features: else the site has no weight in it.
bool HasBlock(const Block& block, const Cohort& cohort);
std::vector<bool> TrainsIn(const Replica& replica, const Cohort& cohort);
std::size_t CountTrue(const std::vector<bool>& values);
// Index into Replicas(plan, block) of the one of a repeat (from 0) that hasn't seen the patient; 0 without folds.
std::size_t UnseenReplica(const Plan& plan, const Block& block, const Sample& sample, std::size_t repeat);

// Puts a contribution together by name, in the manifest's order; what isn't filled stays at exact zeros.
class ContributionBuilder {
 public:
  explicit ContributionBuilder(const Manifest& manifest);
  // A statistic has weight 1; weight 0: filled, but nothing to say in this replica.
  void FillBlock(std::string_view block, std::uint64_t weight);
  // Of a block with a weight. kInternal if the manifest has no such tensor or it is of another length.
  Status Set(std::string_view tensor, const std::vector<double>& values);
  // What is filled so far; and back into a builder of the same manifest, to the reader's end. kInvalidInput if it
  // doesn't fit: nothing has changed then.
  void Save(ByteWriter& writer) const;
  Status Load(ByteReader& reader);
  Contribution Take(const Digest& cohort) &&;

 private:
  const Manifest& manifest_;
  std::map<std::string, std::size_t, std::less<>> tensors_;
  std::map<std::string, std::size_t, std::less<>> blocks_;
  Contribution contribution_;
};

}  // namespace fedtrial::site
