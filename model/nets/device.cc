#include "model/nets/device.h"

#include <charconv>
#include <fmt/format.h>
#include <torch/cuda.h>

#include "model/nets/torch_guard.h"

namespace fedtrial {

Result<c10::Device> FindDevice(std::string_view name) {
  if (name == "cpu") return c10::Device(c10::kCPU);
  constexpr std::string_view kPrefix = "cuda:";
  int index = 0;
  bool known = name == "cuda";
  if (name.starts_with(kPrefix)) {
    const std::string_view digits = name.substr(kPrefix.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    known = error == std::errc() && end == digits.data() + digits.size() && index >= 0 && index < 128;
  }
  if (!known)
    return Error{ErrorCode::kInvalidInput, fmt::format("device: got \"{}\", wanted cpu, cuda or cuda:<number>", name)};
  return GuardTorch("device", [&]() -> Result<c10::Device> {
    const std::size_t there = torch::cuda::is_available() ? torch::cuda::device_count() : 0;
    if (static_cast<std::size_t>(index) >= there)
      return Error{ErrorCode::kUnavailable,
                   fmt::format("device {} isn't there: this LibTorch sees {} CUDA devices", name, there)};
    return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
  });
}

}  // namespace fedtrial
