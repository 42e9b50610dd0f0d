#include <benchmark/benchmark.h>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/runtime/heaps.h"
#include "tests/bench/figure.h"
#include "tests/bench/memory.h"

// fedtrial-bench [--tiny] [--benchmark_filter=REGEX]: one table of figures against the machine's limits.
int main(int argc, char** argv) {
  using namespace fedtrial::bench;
  fedtrial::LimitHeaps();  // as both daemons do
  if (std::filesystem::path(argv[0]).filename() == kBenchWorker) return WorkForMemory();
  if (argc == 4 && std::string_view(argv[1]) == "--serve")
    return ServeForMemory(argv[2], std::strtoull(argv[3], nullptr, 10));
  if (argc == 6 && std::string_view(argv[1]) == "--contribute")
    return ContributeForMemory(argv[2], std::strtoull(argv[3], nullptr, 10), argv[4], argv[5]);
  Scale scale;
  std::vector<char*> rest;
  for (int i = 0; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--tiny")
      scale.divisor = 1000;
    else
      rest.push_back(argv[i]);
  }
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 2;

  const auto shorten = [&](Figure figure) {
    if (scale.tiny()) figure.repeats = 1;
    Register(figure);
  };
  for (const auto make : {WordFigures, MaskingFigures, StorageFigures, NetworkFigures})
    for (const Figure& figure : make(scale)) shorten(figure);
  for (const SizeFigure& figure : MemoryFigures(scale, "/proc/self/exe")) Register(figure);
  RunAndPrintTable();
  return 0;
}
