#include <cmath>

#include "site_node/tasks/task_kinds.h"

namespace fedtrial::site {
namespace {

// u in [-1, 1], so that sums of all features fit the same words.
double Mapped(double value, const Feature& feature) {
  return (2.0 * value - feature.low - feature.high) / (feature.high - feature.low);
}

FeatureSums SumsOf(const Cohort& cohort, std::size_t index, const Feature& feature, const std::vector<bool>& counts) {
  FeatureSums sums;
  for (std::size_t i = 0; i < cohort.samples.size(); ++i) {
    const double value = cohort.samples[i].features[index];
    if (!counts[i] || std::isnan(value)) continue;
    const double u = Mapped(value, feature);
    sums.count += 1.0;
    sums.sum += u;
    sums.sum_squares += u * u;
  }
  return sums;
}

}  // namespace

Result<Contribution> AnswerNormalise(const TaskInput& input, TaskContext& context) {
  ContributionBuilder builder(input.manifest);
  std::vector<bool> filled;  // by feature: by the full replica, the first
  for (const Replica& replica : Replicas(input.plan)) {
    const std::vector<bool> trains = TrainsIn(replica, input.cohort);
    for (std::size_t j = 0; j < input.plan.features.size(); ++j) {
      const Feature& feature = input.plan.features[j];
      const FeatureSums sums = SumsOf(input.cohort, j, feature, trains);
      if (replica.repeat == 0) filled.push_back(sums.count > 0.0);
      if (!filled[j]) continue;
      const std::string block = replica.prefix + "feature_" + feature.name;
      builder.FillBlock(block, 1);
      RETURN_IF_ERROR(builder.Set(block + "/count", {sums.count}));
      RETURN_IF_ERROR(builder.Set(block + "/sum", {sums.sum}));
      RETURN_IF_ERROR(builder.Set(block + "/square_sum", {sums.sum_squares}));
    }
  }
  return std::move(builder).Take(context.cohort);
}

}  // namespace fedtrial::site
