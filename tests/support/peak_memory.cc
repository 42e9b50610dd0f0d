#include "tests/support/peak_memory.h"

#include <fstream>
#include <stdexcept>
#include <string>

namespace fedtrial {

std::uint64_t PeakResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  throw std::runtime_error("/proc/self/status has no VmHWM");
}

}  // namespace fedtrial
