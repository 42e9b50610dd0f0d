#include "tests/bench/network/products.h"

#include <ATen/ATen.h>
#include <memory>
#include <vector>

namespace fedtrial::bench {
namespace {

struct Convolution {
  int64_t in, out, kernel, stride, side;
  bool first = false;  // of the volumes themselves

  int64_t side_out() const { return (side - 1) / stride + 1; }
};

// As model/nets/volume_encoder.cc: a stem of stride 2, then residual blocks, each but the first halving the sides.
std::vector<Convolution> ConvolutionsOf(const NetworkSizes& sizes, int64_t side) {
  auto in = static_cast<int64_t>(sizes.channels.front());
  std::vector<Convolution> all = {{static_cast<int64_t>(sizes.volume_channels), in, 3, 2, side, true}};
  side = all.back().side_out();
  for (std::size_t stage = 0; stage < sizes.channels.size(); ++stage) {
    const auto out = static_cast<int64_t>(sizes.channels[stage]);
    const Convolution first{in, out, 3, stage > 0 ? 2 : 1, side};
    all.push_back(first);
    all.push_back({out, out, 3, 1, first.side_out()});
    if (stage > 0) all.push_back({in, out, 1, 2, side});
    side = first.side_out();
    in = out;
  }
  return all;
}

class Convolved {
 public:
  Convolved(const Convolution& shape, int64_t volumes)
      : shape_(shape),
        input_(at::randn({volumes, shape.in, shape.side, shape.side, shape.side})),
        weight_(at::randn({shape.out, shape.in, shape.kernel, shape.kernel, shape.kernel})),
        gradient_(at::randn({volumes, shape.out, shape.side_out(), shape.side_out(), shape.side_out()})) {}

  void Run() const {
    const int64_t padding = shape_.kernel / 2;
    at::conv3d(input_, weight_, {}, shape_.stride, padding);
    at::convolution_backward(gradient_, input_, weight_, c10::nullopt, {shape_.stride, shape_.stride, shape_.stride},
                             {padding, padding, padding}, {1, 1, 1}, /*transposed=*/false, {0, 0, 0}, /*groups=*/1,
                             {!shape_.first, true, false});
  }

 private:
  const Convolution shape_;
  const at::Tensor input_, weight_, gradient_;
};

class Multiplied {
 public:
  Multiplied(int64_t rows, int64_t in, int64_t out)
      : input_(at::randn({rows, in})), weight_(at::randn({out, in})), gradient_(at::randn({rows, out})) {}

  void Run() const {
    at::mm(input_, weight_.t());
    at::mm(gradient_, weight_);
    at::mm(gradient_.t(), input_);
  }

 private:
  const at::Tensor input_, weight_, gradient_;
};

}  // namespace

std::function<double()> EncoderProducts(const NetworkSizes& sizes, std::size_t volumes, std::size_t side, Clock clock) {
  struct Products {
    std::vector<Convolved> convolutions;
    std::vector<Multiplied> multiplications;
  };
  const auto products = std::make_shared<Products>();
  const auto count = static_cast<int64_t>(volumes);
  const std::vector<Convolution> shapes = ConvolutionsOf(sizes, static_cast<int64_t>(side));
  for (const Convolution& shape : shapes) products->convolutions.emplace_back(shape, count);
  const int64_t last = shapes.back().out, left = shapes.back().side_out();
  const auto width = static_cast<int64_t>(sizes.width);
  const auto patch = static_cast<int64_t>(kPatchSide * kPatchSide * kPatchSide);
  products->multiplications.emplace_back(count, last, width);                               // the token
  products->multiplications.emplace_back(count * left * left * left, last + width, patch);  // the decoder
  return [products, clock] {
    const at::NoGradGuard no_grad;
    return SecondsOf(clock, [&] {
      for (const Convolved& one : products->convolutions) one.Run();
      for (const Multiplied& one : products->multiplications) one.Run();
    });
  };
}

}  // namespace fedtrial::bench
