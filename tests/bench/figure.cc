#include "tests/bench/figure.h"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>

namespace fedtrial::bench {
namespace {

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

struct Row {
  std::string name, value, bound, roofline;
  double ratio = 0.0, goal = 0.0;
};
std::vector<Row> rows;

void Print(const Row& row) {
  const std::string goal = row.goal > 0.0 ? fmt::format("{:.2f}", row.goal) : "-";
  const char* met = row.goal <= 0.0 ? "-" : row.ratio <= row.goal ? "met" : "NOT MET";
  fmt::print("{:<30} {:>12} {:>12} {:>7.2f} {:>6} {:<8} {}\n", row.name, row.value, row.bound, row.ratio, goal, met,
             row.roofline);
  std::fflush(stdout);
}

void PrintHead() {
  fmt::print("{:<30} {:>12} {:>12} {:>7} {:>6} {:<8} {}\n", "figure", "measured", "roofline", "ratio", "goal", "",
             "what the roofline is");
}

// The table is the output: a row as soon as it is there.
class TableReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override {
    PrintHead();
    return true;
  }
  void ReportRuns(const std::vector<Run>&) override {
    for (; printed_ < rows.size(); ++printed_) Print(rows[printed_]);
  }

 private:
  std::size_t printed_ = 0;
};

void RunFigure(benchmark::State& state, const Figure& figure) {
  const Pair pair = figure.make();
  pair.work();  // caches, pages and connections are warm
  std::vector<double> works, bounds, ratios;
  for (auto _ : state) {
    bounds.push_back(pair.bound());
    works.push_back(pair.work());
    ratios.push_back(works.back() / bounds.back());
    state.SetIterationTime(works.back());
  }
  if (figure.bytes > 0) state.SetBytesProcessed(static_cast<std::int64_t>(figure.bytes) * state.iterations());
  state.counters["ratio"] = Median(ratios);
  const char* clock = figure.clock == Clock::kCpu ? "cpu" : "wall";
  const auto time = [&](double seconds) { return fmt::format("{:.3f} ms", seconds * 1e3); };
  const std::string rate =
      figure.bytes > 0 ? fmt::format("; {:.2f} GB/s", static_cast<double>(figure.bytes) / Median(works) / 1e9) : "";
  rows.push_back({figure.name, time(Median(works)), time(Median(bounds)),
                  fmt::format("{} ({}{})", figure.roofline, clock, rate), Median(ratios), figure.goal});
}

void RunSize(benchmark::State& state, const SizeFigure& figure) {
  SizeFigure::Sizes sizes;
  for (auto _ : state) sizes = figure.measure();
  state.counters["ratio"] = sizes.value / sizes.bound;
  rows.push_back({figure.name, fmt::format("{:.1f} MiB", sizes.value), fmt::format("{:.1f} MiB", sizes.bound),
                  figure.roofline, sizes.value / sizes.bound, figure.goal});
}

}  // namespace

double Stopwatch::Now(Clock clock) {
  timespec now{};
  clock_gettime(clock == Clock::kCpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void Register(const Figure& figure) {
  benchmark::RegisterBenchmark(figure.name.c_str(), RunFigure, figure)
      ->Iterations(figure.repeats)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

void Register(const SizeFigure& figure) {
  benchmark::RegisterBenchmark(figure.name.c_str(), RunSize, figure)->Iterations(1);
}

void RunAndPrintTable() {
  TableReporter table;
  benchmark::RunSpecifiedBenchmarks(&table);
}

void Fail(const std::string& what) {
  fmt::print(stderr, "fedtrial-bench: {}\n", what);
  std::exit(1);
}

void Check(const Status& status) {
  if (!status.ok()) Fail(status.error().message);
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "fedtrial-bench-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) Fail("no temporary folder can be made");
  path = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

}  // namespace fedtrial::bench
