#include "tests/bench/round_parts.h"

#include "tests/bench/figure.h"

namespace fedtrial::bench {
namespace {

constexpr std::string_view kPlan = R"([trial]
id = "bench"
title = "A round without training"
seed = 1
[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [10.0, 20.0, 30.0]
[[feature]]
name = "age"
from = "participants.age"
range = [0.0, 100.0]
[[block]]
name = "risk"
kind = "linear"
features = ["age"]
[[step]]
task = "normalise"
[[step]]
task = "grid"
[[step]]
task = "train"
rounds = 2
[cohort]
min_patients = 5
[encoding]
word_bits = 32
patient_cap = 1000
[rules]
sites = 10
min_sites = 7
threshold = 7
)";
constexpr std::uint32_t kTrainStep = 2;

}  // namespace

Plan BenchPlan() { return Must(ParsePlan(kPlan, "plan.toml")); }

Task BenchTask(const Plan& plan) { return TaskAt(plan, {.step = kTrainStep}, 3); }

Manifest BenchManifest(unsigned word_bits, std::uint64_t values) {
  Manifest manifest;
  manifest.step = kTrainStep;
  manifest.task = "train";
  manifest.encoding = {word_bits, word_bits == 32 ? 12U : 32U, 1.0};
  manifest.tensors = {TensorSpec{"risk/beta", {values}, ScalarType::kFloat32},
                      TensorSpec{"loss/risk", {1}, ScalarType::kFloat32}};
  return manifest;
}

Model BenchModel(std::uint64_t values) {
  Model model;
  model.tensors["risk/beta"] = Tensor::Zeros({"risk/beta", {values}, ScalarType::kFloat32});
  return model;
}

Contribution BenchContribution(const Manifest& manifest, std::uint64_t site) {
  Contribution contribution;
  for (std::size_t i = 0; i < manifest.Blocks().size(); ++i) contribution.blocks.push_back({100, true});
  for (const TensorSpec& spec : manifest.tensors) {
    Tensor tensor = Tensor::Zeros(spec);
    auto& values = std::get<std::vector<float>>(tensor.values);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>((i * 31 + site * 17) % 1000) * 1e-3F - 0.5F;
    contribution.tensors.push_back(std::move(tensor));
  }
  return contribution;
}

ByteView ValueBytes(const Tensor& tensor) {
  return std::visit(
      [](const auto& values) {
        return ByteView(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(values[0]));
      },
      tensor.values);
}

}  // namespace fedtrial::bench
