#pragma once

namespace fedtrial {

// Threads of LibTorch and of the OpenBLAS below it, which otherwise takes one a core whatever LibTorch was told, so
// that a product's bits would depend on the machine. Process-wide; 0 counts as 1. Another BLAS keeps its own.
void SetThreads(unsigned threads);

}  // namespace fedtrial
