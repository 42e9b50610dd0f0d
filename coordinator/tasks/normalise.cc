#include <fmt/format.h>
#include <utility>

#include "coordinator/tasks/kinds.h"
#include "model/survival/scaling.h"

namespace fedtrial::coordinator {
namespace {

constexpr double kMinValues = 20;

struct Scaled {
  FeatureScale scale;
  std::uint64_t contributors = 0;
  double patients = 0.0;
  bool unit_scale = false;
};

Result<Scaled> ScaleFeature(const Sum& sum, const Replica& replica, const Feature& feature) {
  const std::string block = replica.prefix + "feature_" + feature.name;
  ASSIGN_OR_RETURN(const auto count, Counts(sum, block + "/count"));
  ASSIGN_OR_RETURN(const auto total, Statistic(sum, block + "/sum"));
  ASSIGN_OR_RETURN(const auto squares, Statistic(sum, block + "/square_sum"));
  Scaled out;
  ASSIGN_OR_RETURN(out.contributors, Contributors(sum, block + "/count"));
  out.patients = count[0];
  out.unit_scale = out.contributors < kMinContributors || count[0] < kMinValues;
  if (out.unit_scale) {
    out.scale = {feature.low + (feature.high - feature.low) / 2, (feature.high - feature.low) / 2};
    return out;
  }
  ASSIGN_OR_RETURN(out.scale, ScaleFromSums({count[0], total[0], squares[0]}, feature.low, feature.high));
  return out;
}

}  // namespace

Result<Outcome> FinishNormalise(const FinishedSum& finished, Model before) {
  const auto& [plan, task, sum, server, start_file] = finished;
  Outcome outcome;
  outcome.next = std::move(before);
  nlohmann::json features = nlohmann::json::array();
  for (const Replica& replica : Replicas(plan)) {
    std::vector<double> means, deviations;
    for (const Feature& feature : plan.features) {
      ASSIGN_OR_RETURN(const Scaled scaled, ScaleFeature(sum, replica, feature));
      means.push_back(scaled.scale.mean);
      deviations.push_back(scaled.scale.deviation);
      if (replica.repeat == 0)
        features.push_back({{"name", feature.name},
                            {"contributors", scaled.contributors},
                            {"patients", Published(plan, scaled.patients)},
                            {"mean", scaled.scale.mean},
                            {"deviation", scaled.scale.deviation},
                            {"unit_scale", scaled.unit_scale}});
    }
    outcome.next->tensors[MeanName(replica)] = Tensor::Of(std::move(means));
    outcome.next->tensors[DeviationName(replica)] = Tensor::Of(std::move(deviations));
  }
  outcome.result_json = nlohmann::json{{"features", std::move(features)}}.dump();
  return outcome;
}

}  // namespace fedtrial::coordinator
