#include "model/training/blas_check.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <algorithm>
#include <c10/core/GradMode.h>
#include <chrono>
#include <exception>
#include <fmt/format.h>

namespace fedtrial {

double MeasureBlas() {
  constexpr int64_t kSize = 256;
  constexpr int kTries = 12;
  double best = 0.0;
  try {
    const at::NoGradGuard no_grad;
    const at::Tensor a = at::ones({kSize, kSize});
    at::Tensor product = at::mm(a, a);  // the first one is slow: threads and buffers are made
    for (int i = 0; i < kTries && best < kSlowBlas; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      at::mm_out(product, a, a);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
      best = std::max(best, 2.0 * kSize * kSize * kSize / seconds.count() / 1e9);
    }
  } catch (const std::exception&) {
    return 0.0;  // said as slow: a LibTorch that can't multiply fails loudly in the first task
  }
  return best;
}

std::optional<std::string> SlowBlasWarning(double gflops) {
  if (gflops >= kSlowBlas) return std::nullopt;
  return fmt::format(
      "LibTorch is slow: a matrix product runs at {:.1f} GFLOP/s, wanted {} or more. It probably uses the generic "
      "BLAS: "
      "install libopenblas0-pthread",
      gflops, kSlowBlas);
}

}  // namespace fedtrial
