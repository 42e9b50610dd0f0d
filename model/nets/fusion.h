#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "model/nets/parameters.h"
#include "model/params/network_shape.h"

namespace fedtrial {

// Dropout with randomness of its own: the same generator state gives the same mask.
struct Dropout {
  double share = 0.0;       // in [0, 1)
  at::Generator generator;  // of the processor, whatever the device
};
at::Tensor Dropped(const at::Tensor& x, const Dropout* dropout);  // null: x itself

// [B, V, 33] of weeks [B, V]: sin and cos of 2 pi weeks / w, w geometric from 1 to 156, and sign(w) log(1 + |w|).
at::Tensor TimeFeatures(const at::Tensor& weeks);

// Who may attend to whom, [B, T + H, T + H] bool, for T tokens and one query a head behind them. A token attends to
// another only if every head that sees the first sees the second too; so by induction over the layers what a token
// carries is made of nothing that a head which sees it may not see. A query attends to what its head sees; nothing
// attends to a query or to a token that isn't valid, but each to itself.
at::Tensor AttentionMask(const at::Tensor& valid, const at::Tensor& visible);

// Transformer, norm first (Xiong et al. 2020), residuals scaled per channel (LayerScale: Touvron et al. 2021), GELU.
// tokens [B, L, width], mask [B, L, L]. Gives [B, L, width], normed.
at::Tensor Fuse(const Scope& block, const NetworkSizes& sizes, at::Tensor tokens, const at::Tensor& mask,
                const Dropout* dropout);

}  // namespace fedtrial
