#pragma once

#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fedtrial {

// The first line of what LibTorch says: the rest is a stack trace.
inline std::string FirstLine(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

// Runs work that calls LibTorch and returns a Result or Status. Its exceptions (c10::Error and all others) end here.
template <typename Work>
auto GuardTorch(std::string_view what, Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kUnavailable, std::string(what) + ": out of memory"};
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kInternal, std::string(what) + ": " + FirstLine(failure.what())};
  }
}

}  // namespace fedtrial
