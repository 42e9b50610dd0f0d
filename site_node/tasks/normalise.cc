#include <cmath>
#include <vector>

#include "site_node/tasks/task_kinds.h"

namespace fedtrial::site {
namespace {

// u in [-1, 1], so that sums of all features fit the same words.
double Mapped(double value, const Feature& feature) {
  return (2.0 * value - feature.low - feature.high) / (feature.high - feature.low);
}

// Where the feature's values lie in a sample.
struct Place {
  std::size_t feature = 0;
  std::size_t panel = 0, analyte = 0;  // of a long table
  bool is_long = false;
};

std::vector<Place> PlacesOf(const Plan& plan) {
  std::vector<Place> places;
  for (std::size_t j = 0; j < plan.features.size(); ++j) places.push_back({.feature = j});
  const std::vector<const Block*> panels = plan.Panels();
  for (std::size_t p = 0; p < panels.size(); ++p)
    for (std::size_t a = 0; a < panels[p]->features.size(); ++a)
      places[panels[p]->features[a]] = {panels[p]->features[a], p, a, true};
  return places;
}

template <typename Take>
void EachValue(const Sample& sample, const Place& place, Take&& take) {
  if (!place.is_long) {
    if (const double value = sample.features[place.feature]; !std::isnan(value)) take(value);
    return;
  }
  for (const PanelVisit& visit : sample.panel_visits)
    for (const PanelValue& measured : visit.values)
      if (visit.panel == place.panel && measured.analyte == place.analyte) take(measured.value);
}

FeatureSums SumsOf(const Cohort& cohort, const Place& place, const Feature& feature, const std::vector<bool>& counts) {
  FeatureSums sums;
  for (std::size_t i = 0; i < cohort.samples.size(); ++i) {
    if (!counts[i]) continue;
    EachValue(cohort.samples[i], place, [&](double value) {
      const double u = Mapped(value, feature);
      sums.count += 1.0;
      sums.sum += u;
      sums.sum_squares += u * u;
    });
  }
  return sums;
}

}  // namespace

Result<Contribution> AnswerNormalise(const TaskInput& input, TaskContext& context) {
  ContributionBuilder builder(input.manifest);
  const std::vector<Place> places = PlacesOf(input.plan);
  std::vector<bool> filled;  // by feature: by the full replica, the first
  for (const Replica& replica : Replicas(input.plan)) {
    const std::vector<bool> trains = TrainsIn(replica, input.cohort);
    for (std::size_t j = 0; j < input.plan.features.size(); ++j) {
      const Feature& feature = input.plan.features[j];
      const FeatureSums sums = SumsOf(input.cohort, places[j], feature, trains);
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
