#include "model/training/network_predict.h"

#include <c10/core/GradMode.h>
#include <cmath>
#include <fmt/format.h>

#include "model/nets/device.h"
#include "model/nets/network.h"
#include "model/nets/threads.h"
#include "model/nets/torch_guard.h"
#include "model/training/network_inputs.h"

namespace fedtrial {
namespace {

constexpr std::size_t kChunk = 64;  // patients at a time

std::vector<double> RowOf(const at::Tensor& rows, std::size_t i) {
  const at::Tensor row = rows[static_cast<int64_t>(i)].to(at::kCPU, at::kDouble).contiguous();
  return {row.data_ptr<double>(), row.data_ptr<double>() + row.numel()};
}

bool SeesAll(const HeadShape& head, std::size_t h, std::span<const PatientInput> inputs) {
  return head.hidden.empty() &&
         std::ranges::none_of(inputs, [h](const PatientInput& input) { return input.heads[h].last_day.has_value(); });
}

}  // namespace

struct NetworkPredictor::State {
  NetworkShape shape;
  ParameterMap parameters;

  at::TensorOptions options() const { return parameters.begin()->second.options(); }

  void Answer(std::size_t h, const HeadOutput& output, std::span<std::vector<HeadAnswer>> answers) const {
    for (std::size_t i = 0; i < answers.size(); ++i) {
      HeadAnswer& answer = answers[i][h];
      answer.logits = RowOf(output.values, i);
      if (output.embedding.defined()) answer.embedding = RowOf(output.embedding, i);
      if (output.clock.defined()) answer.clock = output.clock.item<double>();
    }
  }

  // Heads that see everything share one pass; every other head has its own, of what it sees.
  void AnswerChunk(std::span<const PatientInput> inputs, const VolumeTokens& tokens, std::optional<std::size_t> only,
                   std::span<std::vector<HeadAnswer>> answers) const {
    const Network network(shape, parameters);
    std::vector<HeadOutput> of_all;
    for (std::size_t h = 0; h < shape.heads.size(); ++h) {
      if (only && h != *only) continue;
      if (SeesAll(shape.heads[h], h, inputs)) {
        if (of_all.empty()) of_all = network.Forward(CollateWithTokens(shape, inputs, tokens, options()));
        Answer(h, of_all[h], answers);
        continue;
      }
      std::vector<PatientInput> seen;
      for (const PatientInput& input : inputs) seen.push_back(SeenBy(shape, h, input));
      Answer(h, network.Forward(CollateWithTokens(shape, seen, tokens, options()))[h], answers);
    }
  }
};

NetworkPredictor::NetworkPredictor(std::unique_ptr<State> state) : state_(std::move(state)) {}
NetworkPredictor::NetworkPredictor(NetworkPredictor&&) noexcept = default;
NetworkPredictor::~NetworkPredictor() = default;

Result<NetworkPredictor> NetworkPredictor::Make(const NetworkShape& shape, ScalarType precision,
                                                const std::map<std::string, Tensor>& model, std::string_view prefix,
                                                unsigned threads, const std::string& device_name) {
  ASSIGN_OR_RETURN(const std::vector<NetworkTensor> tensors, NetworkTensors(shape, precision));
  ASSIGN_OR_RETURN(const c10::Device device, FindDevice(device_name));
  return GuardTorch("predict", [&]() -> Result<NetworkPredictor> {
    SetThreads(threads);
    auto state = std::make_unique<State>();
    state->shape = shape;
    ASSIGN_OR_RETURN(state->parameters, ParametersFrom(tensors, model, prefix, device));
    return NetworkPredictor(std::move(state));
  });
}

Result<std::vector<std::vector<HeadAnswer>>> NetworkPredictor::Answers(std::span<const PatientInput> inputs,
                                                                       const ImageInputs& images,
                                                                       std::optional<std::size_t> only) const {
  return GuardTorch("predict", [&]() -> Result<std::vector<std::vector<HeadAnswer>>> {
    const at::NoGradGuard no_grad;
    VolumeTokens own;
    VolumeTokens& tokens = images.tokens != nullptr ? *images.tokens : own;
    const std::vector<VolumeId> ids = VolumesOf(inputs);
    const Network network(state_->shape, state_->parameters);
    if (images.source != nullptr)
      RETURN_IF_ERROR(AddVolumeTokens(network, *images.source, ids, state_->options(), tokens));
    for (const VolumeId& id : ids)
      if (!tokens.contains(id.key))
        return Error{ErrorCode::kInvalidInput, "predict: a patient has images and there is no source of volumes"};
    std::vector<std::vector<HeadAnswer>> answers(inputs.size(), std::vector<HeadAnswer>(state_->shape.heads.size()));
    for (std::size_t first = 0; first < inputs.size(); first += kChunk) {
      const std::size_t count = std::min(kChunk, inputs.size() - first);
      state_->AnswerChunk(inputs.subspan(first, count), tokens, only, std::span(answers).subspan(first, count));
    }
    return answers;
  });
}

Result<IllnessDeathCurves> CurvesOf(const HeadAnswer& answer, std::span<const double> cuts_days, double landmark_day) {
  ASSIGN_OR_RETURN(const StepGrid grid, StepGrid::FromCuts(cuts_days));
  const std::size_t bins = grid.bins();
  RETURN_IF_ERROR(CheckValues("curves: logits", answer.logits, 3 * bins));
  const auto part = [&](std::size_t k) {
    const auto first = answer.logits.begin() + static_cast<std::ptrdiff_t>(k * bins);
    return std::vector<double>(first, first + static_cast<std::ptrdiff_t>(bins));
  };
  const TransitionLogits logits{part(0), part(1), part(2), answer.clock};
  return CurvesOf(grid, logits, static_cast<std::size_t>(landmark_day / kStepDays));
}

std::vector<double> SurvivalOf(const HeadAnswer& answer) { return SurvivalAtCuts(answer.logits, 0.0); }

double Probability(double logit) { return 1.0 / (1.0 + std::exp(-logit)); }

}  // namespace fedtrial
