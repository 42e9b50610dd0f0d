#include "model/nets/threads.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

namespace fedtrial {
namespace {

TEST(Threads, AreThoseOfLibTorchAndOfTheBlasBelowIt) {
  const auto of_blas = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
  ASSERT_NE(of_blas, nullptr) << "LibTorch's BLAS isn't OpenBLAS: install libopenblas0-pthread";
  SetThreads(2);
  EXPECT_EQ(at::get_num_threads(), 2);
  EXPECT_EQ(of_blas(), 2);
  SetThreads(0);
  EXPECT_EQ(at::get_num_threads(), 1);
  EXPECT_EQ(of_blas(), 1);
}

}  // namespace
}  // namespace fedtrial
