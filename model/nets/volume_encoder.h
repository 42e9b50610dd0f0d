#pragma once

#include <ATen/core/Tensor.h>

#include "model/nets/parameters.h"

namespace fedtrial {

// The convolutions of the volume encoder, without its pooling: a stem of stride 2, then residual blocks, each but the
// first halving the sides (He et al. 2016), group norm of 8 groups (Wu and He 2018: nothing is averaged over patients),
// SiLU. volumes [N, channels, z, y, x], sides of 2^stages or more. Gives [N, last channels, z', y', x'].
at::Tensor VolumeFeatures(const Scope& block, std::size_t stages, const at::Tensor& volumes);

// A volume's token, mean over space and linear: [N, width]. no_lesion [N, 1]: 1 where no mask was given; undefined for
// an encoder of one channel.
at::Tensor VolumeToken(const Scope& block, const at::Tensor& features, const at::Tensor& no_lesion);

}  // namespace fedtrial
