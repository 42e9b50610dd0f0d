#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "model/params/network_shape.h"
#include "model/survival/illness_death.h"
#include "model/training/network_trainer.h"
#include "model/training/patient_input.h"

namespace fedtrial {

// What one head says of one patient, as logits (HeadOutput): of the hazards by bin; for kIllnessDeath those of 0->1,
// then 0->2, then 1->2; of kMethylation the call and the share; of kBinary one.
struct HeadAnswer {
  std::vector<double> logits;
  double clock = 0.0;             // kIllnessDeath
  std::vector<double> embedding;  // kEmbedding: of length 1
};

// A trained network that answers for patients. Each head is given only what SeenBy leaves it: no bit of its answer
// depends on what it may not see. One thread at a time.
class NetworkPredictor {
 public:
  // Errors as ParametersFrom; kUnavailable if the device isn't there. `threads` of LibTorch, process-wide.
  static Result<NetworkPredictor> Make(const NetworkShape& shape, ScalarType precision,
                                       const std::map<std::string, Tensor>& model, std::string_view prefix,
                                       unsigned threads = 1, const std::string& device = "cpu");
  NetworkPredictor(NetworkPredictor&&) noexcept;
  ~NetworkPredictor();

  // By patient, then by head; of `only` one head, the others' answers are empty.
  Result<std::vector<std::vector<HeadAnswer>>> Answers(std::span<const PatientInput> inputs, const ImageInputs& images,
                                                       std::optional<std::size_t> only = std::nullopt) const;

 private:
  struct State;
  explicit NetworkPredictor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Of a kIllnessDeath answer; cuts as in the head's InputMap.
Result<IllnessDeathCurves> CurvesOf(const HeadAnswer& answer, std::span<const double> cuts_days, double landmark_day);
// Of a kHazard answer: survival at the end of each bin.
std::vector<double> SurvivalOf(const HeadAnswer& answer);
// Of a logit.
double Probability(double logit);

}  // namespace fedtrial
