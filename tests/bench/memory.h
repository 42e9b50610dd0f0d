#pragma once

#include <cstdint>

namespace fedtrial::bench {

// The server's side of a memory figure, in a process of its own: serves a round of `values`, says its port on standard
// output, finishes when a number of sites comes on standard input and answers with the peak of its resident memory
// (KiB).
int ServeForMemory(const char* folder, std::uint64_t values);

}  // namespace fedtrial::bench
