#pragma once

#include <cstdint>

namespace fedtrial {

// Of resident memory of this program so far, or since its peak was reset (/proc/self/clear_refs). getrusage would say
// what its parent had when it started it. Throws if the kernel doesn't say.
std::uint64_t PeakResidentBytes();

}  // namespace fedtrial
