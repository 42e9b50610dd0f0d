#include "model/nets/fusion.h"

#include <ATen/ATen.h>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numbers>

namespace fedtrial {
namespace {

constexpr double kLongestWeeks = 156.0;
constexpr int64_t kPeriods = (kTimeFeatures - 1) / 2;

at::Tensor Normed(const Scope& norm, const at::Tensor& x) {
  return at::layer_norm(x, {x.size(-1)}, norm[".weight"], norm[".bias"]);
}

at::Tensor Linear(const Scope& layer, const at::Tensor& x) { return at::linear(x, layer[".weight"], layer[".bias"]); }

at::Tensor Attended(const Scope& layer, const NetworkSizes& sizes, const at::Tensor& x, const at::Tensor& mask,
                    const Dropout* dropout) {
  const int64_t batch = x.size(0), length = x.size(1), width = x.size(2);
  const auto heads = static_cast<int64_t>(sizes.attention_heads);
  const at::Tensor all =
      Linear(layer.In(".in"), x).view({batch, length, 3, heads, width / heads}).permute({2, 0, 3, 1, 4});
  const double scale = 1.0 / std::sqrt(static_cast<double>(width / heads));
  const at::Tensor scores = at::matmul(all[0] * scale, all[1].transpose(2, 3));
  const at::Tensor hidden = at::logical_not(mask).unsqueeze(1);
  const at::Tensor weights = at::softmax(scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()), -1);
  const at::Tensor mixed =
      at::matmul(Dropped(weights, dropout), all[2]).transpose(1, 2).reshape({batch, length, width});
  return Dropped(Linear(layer.In(".out"), mixed), dropout) * layer[".scale"];
}

at::Tensor Forwarded(const Scope& layer, const at::Tensor& x, const Dropout* dropout) {
  const at::Tensor hidden = Dropped(at::gelu(Linear(layer.In(".in"), x)), dropout);
  return Dropped(Linear(layer.In(".out"), hidden), dropout) * layer[".scale"];
}

}  // namespace

at::Tensor Dropped(const at::Tensor& x, const Dropout* dropout) {
  if (dropout == nullptr || dropout->share <= 0.0) return x;
  const double kept = 1.0 - dropout->share;
  const at::Tensor mask = at::empty(x.sizes(), x.options().device(at::kCPU)).bernoulli_(kept, dropout->generator);
  return x * mask.div_(kept).to(x.device());
}

at::Tensor TimeFeatures(const at::Tensor& weeks) {
  const at::Tensor period = at::pow(kLongestWeeks, at::arange(kPeriods, weeks.options()) / (kPeriods - 1.0));
  const at::Tensor angle = 2.0 * std::numbers::pi * weeks.unsqueeze(-1) / period;
  const at::Tensor logarithm = (at::sign(weeks) * at::log1p(at::abs(weeks))).unsqueeze(-1);
  return at::cat({at::sin(angle), at::cos(angle), logarithm}, -1);
}

at::Tensor AttentionMask(const at::Tensor& valid, const at::Tensor& visible) {
  const int64_t batch = visible.size(0), heads = visible.size(2);
  const at::Tensor own = at::eye(heads, visible.options()).expand({batch, heads, heads});
  const at::Tensor sees = at::cat({visible, own}, 1);                  // of tokens and queries
  const at::Tensor leaks = at::bmm(sees, 1.0 - sees.transpose(1, 2));  // heads that see row, not column
  const at::Tensor keys = at::cat({valid, at::zeros({batch, heads}, valid.options())}, 1).unsqueeze(1);
  const at::Tensor self = at::eye(sees.size(1), valid.options()).unsqueeze(0);
  return at::logical_or(at::logical_and(leaks.lt(0.5), keys), self);
}

at::Tensor Fuse(const Scope& block, const NetworkSizes& sizes, at::Tensor tokens, const at::Tensor& mask,
                const Dropout* dropout) {
  for (std::size_t i = 0; i < sizes.layers; ++i) {
    const Scope attention = block.In(fmt::format("layer{}.attention", i));
    const Scope forward = block.In(fmt::format("layer{}.forward", i));
    tokens = tokens + Attended(attention, sizes, Normed(attention.In(".norm"), tokens), mask, dropout);
    tokens = tokens + Forwarded(forward, Normed(forward.In(".norm"), tokens), dropout);
  }
  return Normed(block.In("norm"), tokens);
}

}  // namespace fedtrial
