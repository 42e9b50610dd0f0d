#pragma once

#include <optional>
#include <string>

namespace fedtrial {

inline constexpr double kSlowBlas = 30.0;  // GFLOP/s of one core; OpenBLAS gives 90 and more, the generic BLAS about 6

// GFLOP/s of a 256 x 256 x 256 product in float32 by LibTorch's BLAS: the best of a few, so that a busy machine isn't
// taken for a slow library. Stops at the first one above kSlowBlas: some milliseconds.
double MeasureBlas();

// A sentence for the log if LibTorch runs on the generic BLAS. Once at the start of the program.
std::optional<std::string> SlowBlasWarning(double gflops = MeasureBlas());

}  // namespace fedtrial
