#pragma once

#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fedtrial::imaging {

// One thread for every filter of this process, whatever ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS says: with two, partial
// sums merge in another order on each run and the last digits change. Nothing of ITK or GDCM writes to stderr after it.
void SetUpItk();

// What an ITK exception says, without the source file, line and object address it begins with.
std::string ItkMessage(std::string_view what);

// Runs work that calls ITK or GDCM and returns a Result or Status. Their exceptions end here, as kInvalidInput: with
// our own settings fixed it is the image that a filter can't work with.
template <typename Work>
auto GuardItk(std::string_view what, Work&& work) -> decltype(work()) {
  try {
    SetUpItk();
    return work();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kUnavailable, std::string(what) + ": out of memory"};
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kInvalidInput, std::string(what) + ": " + ItkMessage(failure.what())};
  }
}

}  // namespace fedtrial::imaging
