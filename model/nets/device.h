#pragma once

#include <c10/core/Device.h>
#include <string_view>

#include "common/base/result.h"

namespace fedtrial {

// The device of a site's configuration: "cpu", "cuda" (the first) or "cuda:<n>". kInvalidInput for another name;
// kUnavailable with what LibTorch sees if the device isn't there.
Result<c10::Device> FindDevice(std::string_view name);

}  // namespace fedtrial
