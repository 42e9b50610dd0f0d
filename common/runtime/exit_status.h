#pragma once

#include <functional>
#include <string_view>

#include "common/base/result.h"

namespace fedtrial {

// How a command-line program ends: runs the command, says on stderr what failed ("<program>: <what>") and gives the
// exit status: 0 done, 2 kInvalidInput, 3 kUnavailable, 1 any other error. Output that stdout doesn't take is
// kUnavailable too. A stderr that takes nothing (a full disk) changes nothing.
int RunToExitStatus(std::string_view program, const std::function<Status()>& command);

}  // namespace fedtrial
