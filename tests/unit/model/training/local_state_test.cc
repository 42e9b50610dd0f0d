#include "model/training/local_state.h"

#include <gtest/gtest.h>

namespace fedtrial {
namespace {

TEST(LocalState, TheRidgeDrawsSkipsToNothingAndTransitionsToEachOther) {
  const std::string name = "os.clinical/beta";
  const std::vector<NetworkTensor> tensors = {{{name, {3, 1}, ScalarType::kFloat64}, TensorRole::kLinear}};
  const std::map<std::string, Tensor> model = {{name, Tensor::OfType(ScalarType::kFloat64, {3, 1}, {1.0, 2.0, 6.0})}};
  auto state = LocalState::Make(tensors, model, "", at::kCPU, {"os.clinical"});
  ASSERT_TRUE(state.ok()) << state.error().message;
  StepRates rates;
  rates.linear_rate = 0.1;
  const at::Tensor loss = state->parameters().at(name).mul(0.5).sum();  // whose gradient is a half
  state->Step(loss, {"os.clinical"}, rates, "", {{"os.clinical", {.factor = 4.0, .ridge = 2.0, .apart = 3.0}}});
  const auto deltas = state->Deltas({{"os.clinical", 1}});
  ASSERT_TRUE(deltas.ok());
  // -0.1 (4 * 0.5 + 2 beta + 3 (beta - 3))
  const std::vector<double> wanted = {0.2, -0.3, -2.3};
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(deltas->at(name).at(k), wanted[k], 1e-12);
}

}  // namespace
}  // namespace fedtrial
