#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/nets/parameters.h"
#include "model/training/adamw.h"
#include "model/training/training_settings.h"

namespace fedtrial {

// A network's numbers while one site trains them, from the global model to the delta. One thread.
class LocalState {
 public:
  // Copies of "<prefix><name>"; only tensors of `trained` blocks get gradients. Errors as ParametersFrom.
  static Result<LocalState> Make(std::vector<NetworkTensor> tensors, const std::map<std::string, Tensor>& model,
                                 std::string_view prefix, c10::Device device, const std::set<std::string>& trained);

  const ParameterMap& parameters() const { return parameters_; }
  at::TensorOptions options() const { return parameters_.begin()->second.options(); }

  // Plain steps of a head's linear tensors: their gradient is multiplied by `factor`, and where they are a skip
  // ("beta") ridge times themselves is added, and `apart` times how far they lie from their mean over the outputs.
  struct LinearRule {
    double factor = 1.0;
    double ridge = 0.0;
    double apart = 0.0;
  };
  // One step down the loss, a number with a graph. Only tensors of trained blocks in `touched` move; the rest keeps its
  // bits. `encoder` is the block with the encoder's rate; `linear` is by block, for those that have linear tensors.
  void Step(const at::Tensor& loss, const std::set<std::string>& touched, const StepRates& rates,
            const std::string& encoder, const std::map<std::string, LinearRule>& linear);

  // Numbers that no gradient finds, in place of those of a tensor.
  void Put(const std::string& name, const at::Tensor& values);

  // Writes what a saved state is bound to: the trained blocks and all numbers as they are now.
  void Describe(ByteWriter& writer) const;
  // All that a later process needs to go on after `step` steps, and back: the steps done. kInvalidInput if the bytes
  // are of another task or network, or damaged.
  Bytes Save(const Digest& task, std::uint64_t step) const;
  Result<std::uint64_t> Load(ByteView bytes, const Digest& task);

  // After minus before of every tensor of a trained block; exact zeros where `patients` has 0 for the block.
  // kInvalidInput if training diverged.
  Result<std::map<std::string, Tensor>> Deltas(const std::map<std::string, std::size_t>& patients) const;

 private:
  LocalState() = default;

  std::vector<NetworkTensor> tensors_;  // of trained blocks
  ParameterMap parameters_;
  ParameterMap before_;  // of trained blocks
  AdamW adamw_;
};

}  // namespace fedtrial
