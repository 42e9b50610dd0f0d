#pragma once

#include <cstddef>
#include <functional>

#include "model/params/network_shape.h"
#include "tests/bench/figure.h"

namespace fedtrial::bench {

// The convolutions and matrix products of one step of the encoder's own stage on so many volumes of this side, each
// called alone through LibTorch on float32 tensors of its shape: the product itself and both products of its backward
// pass (the first convolution has one: nobody asks for the gradient of the voxels). Gives the seconds of one pass
// through all of them. Nothing else is in it: no norm, activation, loss, mask, optimiser or graph.
std::function<double()> EncoderProducts(const NetworkSizes& sizes, std::size_t volumes, std::size_t side, Clock clock);

}  // namespace fedtrial::bench
