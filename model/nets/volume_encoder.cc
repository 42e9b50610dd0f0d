#include "model/nets/volume_encoder.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace fedtrial {
namespace {

constexpr int64_t kGroups = 8;

at::Tensor Convolved(const Scope& layer, const at::Tensor& x, int64_t stride, int64_t padding) {
  const Scope norm = layer.In(".norm");
  const at::Tensor y = at::conv3d(x, layer[".weight"], {}, stride, padding);
  return at::group_norm(y, kGroups, norm[".weight"], norm[".bias"]);
}

at::Tensor Residual(const Scope& stage, const at::Tensor& x, bool halves) {
  const int64_t stride = halves ? 2 : 1;
  const at::Tensor first = at::silu(Convolved(stage.In(".first"), x, stride, 1));
  const at::Tensor second = Convolved(stage.In(".second"), first, 1, 1);
  return at::silu(second + (halves ? Convolved(stage.In(".skip"), x, stride, 0) : x));
}

}  // namespace

at::Tensor VolumeFeatures(const Scope& block, std::size_t stages, const at::Tensor& volumes) {
  at::Tensor x = at::silu(Convolved(block.In("stem"), volumes, 2, 1));
  for (std::size_t stage = 0; stage < stages; ++stage)
    x = Residual(block.In(fmt::format("stage{}", stage)), x, stage > 0);
  return x;
}

at::Tensor VolumeToken(const Scope& block, const at::Tensor& features, const at::Tensor& no_lesion) {
  const at::Tensor out = at::linear(features.mean({2, 3, 4}), block["out.weight"], block["out.bias"]);
  return no_lesion.defined() ? out + no_lesion * block["no_lesion"] : out;
}

}  // namespace fedtrial
