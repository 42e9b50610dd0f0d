#include "common/runtime/exit_status.h"

#include <cstdio>
#include <fmt/format.h>
#include <system_error>

namespace fedtrial {
namespace {

// fmt throws where a stream takes nothing.
Status RunAndFlush(const std::function<Status()>& command) {
  const auto unwritten = [](const char* why) {
    return Error{ErrorCode::kUnavailable, fmt::format("cannot write the output: {}", why)};
  };
  try {
    RETURN_IF_ERROR(command());
  } catch (const std::system_error& problem) {
    return unwritten(problem.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return unwritten("stdout is closed or its disk is full");
  return {};
}

}  // namespace

int RunToExitStatus(std::string_view program, const std::function<Status()>& command) {
  const Status status = RunAndFlush(command);
  if (status.ok()) return 0;
  std::fputs(fmt::format("{}: {}\n", program, status.error().message).c_str(), stderr);
  switch (status.error().code) {
    case ErrorCode::kInvalidInput:
      return 2;
    case ErrorCode::kUnavailable:
      return 3;
    default:
      return 1;
  }
}

}  // namespace fedtrial
