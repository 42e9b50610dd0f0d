#include "coordinator.h"

#include <gtest/gtest.h>

#include "model/survival/discrete_hazard.h"
#include "model/survival/scaling.h"

namespace fedtrial::site {

void PlainCoordinator::Round(const StepPosition& position) {
  const Task task = TaskAt(plan_, position, ++round_);
  const auto manifest = Layout(plan_, task, model_.Header(), Digest{});
  ASSERT_TRUE(manifest.ok()) << manifest.error().message;
  sums_.clear();
  weights_.clear();
  for (const auto& [name, cohort] : sites_) {
    TaskContext context;
    const auto contribution = Answer(plan_, task, *manifest, cohort, model_, context);
    ASSERT_TRUE(contribution.ok()) << contribution.error().message;
    const auto blocks = manifest->Blocks();
    ASSERT_EQ(contribution->blocks.size(), blocks.size());
    std::map<std::string, double, std::less<>> weight;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      weight[blocks[b]] = static_cast<double>(contribution->blocks[b].weight);
      weights_[blocks[b]] += weight[blocks[b]];
    }
    for (std::size_t t = 0; t < manifest->tensors.size(); ++t) {
      const TensorSpec& spec = manifest->tensors[t];
      ASSERT_EQ(contribution->tensors[t].shape, spec.shape);
      ASSERT_EQ(contribution->tensors[t].type(), spec.type);
      std::vector<double>& sum = sums_[spec.name];
      sum.resize(contribution->tensors[t].size());
      const double block_weight = weight.find(spec.block())->second;
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += block_weight * contribution->tensors[t].at(i);
    }
  }
  if (task.kind == "normalise") FinishNormalise();
  if (task.kind == "grid") FinishGrid();
  if (task.kind == "train") FinishTrain(std::string(BlockOf(plan_, task)));
}

void PlainCoordinator::FinishNormalise() {
  for (const Replica& replica : Replicas(plan_)) {
    std::vector<double> mean, deviation;
    for (const Feature& feature : plan_.features) {
      const std::string block = replica.prefix + "feature_" + feature.name;
      const auto scale = ScaleFromSums({sum(block + "/count"), sum(block + "/sum"), sum(block + "/square_sum")},
                                       feature.low, feature.high);
      ASSERT_TRUE(scale.ok());
      mean.push_back(scale->mean);
      deviation.push_back(scale->deviation);
    }
    model_.tensors[MeanName(replica)] = Tensor::Of(mean);
    model_.tensors[DeviationName(replica)] = Tensor::Of(deviation);
  }
}

void PlainCoordinator::FinishGrid() {
  for (const Replica& replica : Replicas(plan_)) {
    const std::string block = replica.prefix + "grid";
    const auto start = StartIntercepts({sums_.at(block + "/at_risk"), sums_.at(block + "/events")});
    model_.tensors[PatientsName(replica)] = Tensor::Of({sum(block + "/patients")});
    for (const Block& trained : plan_.blocks) {
      model_.tensors[InterceptName(replica, trained.name)] = Tensor::OfType(plan_.precision, {start.size()}, start);
      model_.tensors[BetaName(replica, trained.name)] = Tensor::Zeros({"", {trained.features.size()}, plan_.precision});
    }
  }
}

void PlainCoordinator::FinishTrain(const std::string& block) {
  for (const Replica& replica : Replicas(plan_)) {
    for (const std::string& name : {BetaName(replica, block), InterceptName(replica, block)}) {
      Tensor& tensor = model_.tensors.at(name);
      for (std::size_t i = 0; i < tensor.size(); ++i)
        tensor.set(i, tensor.at(i) + sum(name, i) / weight(replica.prefix + block));
    }
  }
}

}  // namespace fedtrial::site
