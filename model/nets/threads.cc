#include "model/nets/threads.h"

#include <ATen/Parallel.h>
#include <algorithm>
#include <dlfcn.h>

namespace fedtrial {

void SetThreads(unsigned threads) {
  const int count = static_cast<int>(std::max(threads, 1u));
  at::set_num_threads(count);
  // LibTorch's BLAS is the system's choice, found when the program starts: only the name says which it is.
  using Set = void (*)(int);
  if (const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(count);
}

}  // namespace fedtrial
