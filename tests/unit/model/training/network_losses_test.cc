#include "model/training/network_losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <torch/csrc/autograd/autograd.h>

#include "model/nets/network.h"
#include "model/survival/illness_death.h"
#include "model/training/network_inputs.h"
#include "tests/unit/model/training/small_trial.h"

namespace fedtrial {
namespace {

double Softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

// The whole network in double, with a graph from every parameter to every head's losses.
class NetworkLosses : public ::testing::Test {
 protected:
  NetworkLosses() {
    Cohort cohort = SmallCohort(8, 11);
    const double missing = std::numeric_limits<double>::quiet_NaN();
    for (std::size_t j = 0; j < 5; ++j)
      cohort.samples[0].features[j] = missing;  // no patient but one lacks all of a block
    cohort.samples[1].features[5] = missing;
    cohort.samples[2].panel_visits.clear();
    cohort.samples[2].volumes.clear();
    inputs_ = InputsOf(shape_, map_, cohort, 56.0);
    const auto tensors = NetworkTensors(shape_, ScalarType::kFloat64);
    EXPECT_TRUE(tensors.ok());
    auto parameters = ParametersFrom(*tensors, SmallModel(shape_, ScalarType::kFloat64, 5, true), "", at::kCPU);
    EXPECT_TRUE(parameters.ok());
    if (parameters.ok()) parameters_ = *parameters;
    for (auto& [name, parameter] : parameters_) parameter.requires_grad_(true);
  }

  NetworkBatch Batch() {
    if (!stack_.volumes.defined()) {
      const auto stack = LoadVolumes(shape_.sizes, volumes_, VolumesOf(inputs_), at::kDouble);
      EXPECT_TRUE(stack.ok());
      if (stack.ok()) stack_ = *stack;
    }
    VolumeTokens seen;
    const std::vector<VolumeId> ids = VolumesOf(inputs_);
    for (std::size_t i = 0; i < ids.size(); ++i) seen[ids[i].key].lesion = stack_.lesions[i];
    NetworkBatch batch = Collate(shape_, inputs_, seen, at::kDouble);
    batch.images.embeddings = Network(shape_, parameters_).EncodeVolumes(stack_.volumes, stack_.no_lesion);
    return batch;
  }
  at::Tensor Losses(std::size_t head, const std::vector<HeadOutput>& outputs) {
    const auto targets = CollateTargets(shape_, map_, head, inputs_, at::kDouble);
    EXPECT_TRUE(targets.ok());
    return HeadLosses(shape_.heads[head], outputs[head], *targets);
  }
  double SumOfLosses(const NetworkBatch& batch) {
    const at::NoGradGuard no_grad;
    const auto outputs = Network(shape_, parameters_).Forward(batch);
    double sum = 0.0;
    for (std::size_t h = 0; h < shape_.heads.size(); ++h) sum += Losses(h, outputs).sum().item<double>();
    return sum;
  }

  NetworkShape shape_ = SmallShape();
  InputMap map_ = SmallMap();
  RuleVolumes volumes_;
  std::vector<PatientInput> inputs_;
  ParameterMap parameters_;
  VolumeStack stack_;  // loaded once
};

TEST_F(NetworkLosses, OfACourseAreThoseOfThePlainLoops) {
  const auto outputs = Network(shape_, parameters_).Forward(Batch());
  const at::Tensor losses = Losses(kCourse, outputs);
  const auto grid = StepGrid::FromCuts(map_.heads[kCourse].cuts_days);
  const auto bins = static_cast<int64_t>(grid->bins());
  std::map<CoursePlace::First, int> kinds;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    const auto* place = std::get_if<CoursePlace>(&inputs_[i].heads[kCourse].target);
    if (place == nullptr) {
      EXPECT_EQ(losses[row].item<double>(), 0.0);
      continue;
    }
    ++kinds[place->first];
    TransitionLogits logits;
    for (int64_t k = 0; k < bins; ++k) {
      logits.recurrence.push_back(outputs[kCourse].values[row][0][k].item<double>());
      logits.death.push_back(outputs[kCourse].values[row][1][k].item<double>());
      logits.after.push_back(outputs[kCourse].values[row][2][k].item<double>());
    }
    logits.clock = outputs[kCourse].clock.item<double>();
    const CourseLoss wanted = LossOf(*grid, logits, *place);
    EXPECT_NEAR(losses[row].item<double>(), wanted.first + kAfterWeight * wanted.after, 1e-11);
  }
  EXPECT_GE(kinds.size(), 3u);  // the cohort has courses of most kinds
}

TEST_F(NetworkLosses, OfHazardsAndLabelsAreThoseOfPlainLoops) {
  const auto outputs = Network(shape_, parameters_).Forward(Batch());
  for (const std::size_t head : {kOs, kProfile}) {
    const at::Tensor losses = Losses(head, outputs);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      double wanted = 0.0;
      if (const auto* place = std::get_if<GridPlace>(&inputs_[i].heads[head].target)) {
        for (std::size_t k = 0; k < place->at_risk; ++k) {
          const double z = outputs[head].values[row][static_cast<int64_t>(k)].item<double>();
          wanted += Softplus(z) - (place->event && k + 1 == place->at_risk ? z : 0.0);
        }
      }
      EXPECT_NEAR(losses[row].item<double>(), wanted, 1e-12);
    }
  }
  const at::Tensor losses = Losses(kMethyl, outputs);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    double wanted = 0.0;
    if (const auto* target = std::get_if<BinaryTarget>(&inputs_[i].heads[kMethyl].target)) {
      const double call = outputs[kMethyl].values[row][0].item<double>();
      const double off = std::abs(outputs[kMethyl].values[row][1].item<double>() - target->logit.value_or(0.0));
      if (target->label) wanted += Softplus(call) - *target->label * call;
      if (target->logit) wanted += off <= 1.0 ? 0.5 * off * off : off - 0.5;
    }
    EXPECT_NEAR(losses[row].item<double>(), wanted, 1e-12);
  }
}

TEST_F(NetworkLosses, GradientsOfEveryLearntTensorAgreeWithFiniteDifferences) {
  ParameterMap learnt = parameters_;
  learnt.erase("mri/lesion_centre");  // set to a mean, not learnt
  const NetworkBatch batch = Batch();
  const auto outputs = Network(shape_, parameters_).Forward(batch);
  at::Tensor sum = at::zeros({}, at::kDouble);
  for (std::size_t h = 0; h < shape_.heads.size(); ++h) sum = sum + Losses(h, outputs).sum();
  torch::autograd::variable_list inputs;
  for (const auto& [name, parameter] : learnt) inputs.push_back(parameter);
  const auto gradients = torch::autograd::grad({sum}, inputs);
  constexpr double kStep = 1e-5;
  std::size_t t = 0;
  for (auto& [name, parameter] : learnt) {
    const at::Tensor gradient = gradients[t++].flatten();
    // The entry of the largest gradient of each tensor.
    const int64_t entry = gradient.abs().argmax().item<int64_t>();
    double values[2];
    for (int side = 0; side < 2; ++side) {
      const at::NoGradGuard no_grad;
      parameter.view(-1)[entry].add_(side == 0 ? kStep : -2.0 * kStep);
      values[side] = SumOfLosses(name.starts_with("mri/") ? Batch() : batch);
      if (side == 1) parameter.view(-1)[entry].add_(kStep);
    }
    const double wanted = (values[0] - values[1]) / (2.0 * kStep), got = gradient[entry].item<double>();
    EXPECT_NEAR(got, wanted, 1e-5 * std::max(1.0, std::abs(wanted))) << name;
    EXPECT_NE(got, 0.0) << name << " is listed and never used";
  }
}

TEST_F(NetworkLosses, NoGradientReachesAHeadFromWhatItMayNotSee) {
  for (PatientInput& input : inputs_) input.heads[kPseudo].last_day = 20.0;
  NetworkBatch batch = Batch();
  at::Tensor& mgmt = batch.statics[1].values;
  at::Tensor& methylome = batch.panels[1].values;
  at::Tensor& cytokine = batch.panels[0].values;
  for (at::Tensor* each : {&mgmt, &methylome, &cytokine}) each->requires_grad_(true);
  const auto outputs = Network(shape_, parameters_).Forward(batch);
  const auto reaches = [&](std::size_t head, const at::Tensor& input) {
    const auto gradient = torch::autograd::grad({outputs[head].values.square().sum()}, {input}, {}, true, false, true);
    return gradient[0].defined() ? gradient[0].abs() : at::zeros_like(input);
  };
  EXPECT_EQ(reaches(kMethyl, mgmt).max().item<double>(), 0.0);
  EXPECT_EQ(reaches(kMethyl, methylome).max().item<double>(), 0.0);
  EXPECT_GT(reaches(kMethyl, cytokine).max().item<double>(), 0.0);
  for (const std::size_t head : {kOs, kCourse, kProfile}) {
    EXPECT_GT(reaches(head, mgmt).max().item<double>(), 0.0) << head;
    EXPECT_GT(reaches(head, methylome).max().item<double>(), 0.0) << head;
  }
  // Of the cytokines only the visits until day 20 reach pseudo-progression; all of them reach survival.
  const at::Tensor late = batch.panels[0].weeks.gt(20.0 / 7.0).unsqueeze(-1).unsqueeze(-1);
  EXPECT_EQ((reaches(kPseudo, cytokine) * late).max().item<double>(), 0.0);
  EXPECT_GT(reaches(kPseudo, cytokine).max().item<double>(), 0.0);
  EXPECT_GT((reaches(kOs, cytokine) * late).max().item<double>(), 0.0);
}

TEST_F(NetworkLosses, WhatStandsAtAPaddedPlaceChangesNoBit) {
  const at::NoGradGuard no_grad;
  NetworkBatch batch = Batch();
  const Network network(shape_, parameters_);
  const auto before = network.Forward(batch);
  for (NetworkBatch::Panel& panel : batch.panels) {
    panel.values = panel.values.masked_fill(panel.measured.lt(0.5).unsqueeze(-1), 77.0);
    panel.weeks = panel.weeks.masked_fill(panel.measured.sum(2).lt(0.5), -9.0);
  }
  const at::Tensor visible = batch.visible.masked_fill(batch.valid.logical_not().unsqueeze(-1), 0.0);
  batch.visible = visible;
  const auto after = network.Forward(batch);
  for (std::size_t h = 0; h < before.size(); ++h) EXPECT_TRUE(at::equal(before[h].values, after[h].values)) << h;
}

TEST_F(NetworkLosses, HazardsNearZeroOrOneKeepFiniteLossesAndGradients) {
  const auto targets = CollateTargets(shape_, map_, kCourse, inputs_, at::kDouble);
  ASSERT_TRUE(targets.ok());
  for (const double size : {40.0, 300.0}) {
    at::Tensor values = at::zeros({static_cast<int64_t>(inputs_.size()), 3, 3}, at::kDouble);
    values.select(1, 0).fill_(-size);
    values.select(1, 1).fill_(size / 2.0);
    values.select(1, 2).fill_(-size);
    values.requires_grad_(true);
    const HeadOutput output{values, at::zeros({1}, at::kDouble), {}};
    const at::Tensor loss = HeadLosses(shape_.heads[kCourse], output, *targets).sum();
    EXPECT_TRUE(std::isfinite(loss.item<double>()));
    EXPECT_TRUE(at::isfinite(torch::autograd::grad({loss}, {values})[0]).all().item<bool>());
  }
}

}  // namespace
}  // namespace fedtrial
