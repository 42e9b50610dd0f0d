#include <benchmark/benchmark.h>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/nets/threads.h"
#include "tests/bench/figure.h"
#include "tests/bench/network/costs.h"
#include "tests/bench/network/products.h"
#include "tests/bench/network/training.h"

namespace fedtrial::bench {
namespace {

// A training step at 60 % of the speed of its products takes 1 / 0.6 of their time.
constexpr double kGoal = 1.0 / 0.6;

Figure StepFigure(const std::string& preset, std::size_t side, double goal, bool tiny) {
  Figure figure;
  figure.name = fmt::format("encoder_step/{}/{}", preset, side);
  figure.roofline = "its convolutions and matrix products, forward and backward, alone";
  figure.goal = goal;
  figure.repeats = tiny ? 1 : 5;
  figure.make = [preset, side] {
    const auto site = std::make_shared<BenchSite>(preset, side, 1);
    return Pair{[site] { return site->EncoderStep(Clock::kCpu); },
                EncoderProducts(SizesOf(preset), kBatchVolumes, side, Clock::kCpu)};
  };
  return figure;
}

}  // namespace
}  // namespace fedtrial::bench

// fedtrial-network-bench [--tiny] [--benchmark_filter=REGEX]: what training the network costs on one thread.
int main(int argc, char** argv) {
  using namespace fedtrial::bench;
  bool tiny = false;
  std::vector<char*> rest;
  for (int i = 0; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--tiny")
      tiny = true;
    else
      rest.push_back(argv[i]);
  }
  fedtrial::SetThreads(1);
  if (rest.size() == 5 && std::string_view(rest[1]) == "--cost")
    return MeasureCost(rest[2], rest[3], std::strtoull(rest[4], nullptr, 10), tiny);
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 2;
  if (tiny) {
    Register(StepFigure("small", 16, 0.0, tiny));
  } else {
    for (const char* preset : {"tiny", "small"})
      for (const std::size_t side : {32, 64})
        Register(StepFigure(preset, side, std::string_view(preset) == "small" && side == 64 ? kGoal : 0.0, tiny));
  }
  RunAndPrintTable();
  PrintCosts(std::filesystem::read_symlink("/proc/self/exe"), tiny);
  PrintTraffic();
  return 0;
}
