#include "common/runtime/heaps.h"

#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>
#include <vector>

namespace fedtrial {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHeapIsGlibcs = false;
#else
constexpr bool kHeapIsGlibcs = true;
#endif

std::uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST(ReturnFreeMemory, GivesBackWhatLiesFreeBelowABlockInUse) {
  if (!kHeapIsGlibcs) GTEST_SKIP() << "a sanitizer has its own heap";
  constexpr std::size_t kBlock = 64 * 1024, kBlocks = 1024;  // small enough to lie in a heap
  std::vector<std::vector<char>> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) blocks.emplace_back(kBlock, 'x');
  const std::vector<char> in_use(kBlock, 'y');
  blocks.clear();
  const std::uint64_t before = ResidentBytes();
  ReturnFreeMemory();
  EXPECT_LT(ResidentBytes() + kBlocks * kBlock / 2, before);
  EXPECT_EQ(in_use, std::vector<char>(kBlock, 'y'));
}

}  // namespace
}  // namespace fedtrial
