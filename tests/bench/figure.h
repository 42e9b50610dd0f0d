#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace fedtrial::bench {

// What a figure is measured by. kCpu: seconds of processor of all threads of this process, both ends of a connection
// included, so that other programs on the machine don't count. kWall: where the waiting is the point.
enum class Clock { kCpu, kWall };

class Stopwatch {
 public:
  explicit Stopwatch(Clock clock) : clock_(clock), start_(Now(clock)) {}
  double Seconds() const { return Now(clock_) - start_; }

 private:
  static double Now(Clock clock);
  const Clock clock_;
  const double start_;
};

template <typename F>
double SecondsOf(Clock clock, F&& work) {
  const Stopwatch watch(clock);
  work();
  return watch.Seconds();
}

// A figure's work and its bound, made anew for each figure. Both return seconds of the figure's clock; they run in
// turn, so that noise of the machine meets both.
struct Pair {
  std::function<double()> work, bound;
};
struct Figure {
  std::string name;
  std::string roofline;  // what the bound is, for the table
  double goal = 0.0;     // work over bound at most; 0: shown, not judged
  Clock clock = Clock::kCpu;
  int repeats = 9;          // pairs; the median of their ratios counts
  std::uint64_t bytes = 0;  // of one work, for the rate; 0: none
  std::function<Pair()> make;
};

// A figure that isn't a time: a value and its bound, both in the same unit.
struct SizeFigure {
  std::string name, roofline;
  double goal = 0.0;
  struct Sizes {
    double value = 0.0, bound = 0.0;  // MiB
  };
  std::function<Sizes()> measure;
};

// Sizes of a run: everything is divided by `divisor` with --tiny.
struct Scale {
  std::uint64_t divisor = 1;
  bool tiny() const { return divisor > 1; }
  std::uint64_t operator()(std::uint64_t size) const { return size / divisor; }
};

std::vector<Figure> WordFigures(Scale scale);
std::vector<Figure> MaskingFigures(Scale scale);
std::vector<Figure> StorageFigures(Scale scale);
std::vector<Figure> NetworkFigures(Scale scale);
std::vector<SizeFigure> MemoryFigures(Scale scale, const std::filesystem::path& program);

// Google Benchmark runs them; PrintTable has what they gave. An unmet goal is a line of the table, never a failure.
void Register(const Figure& figure);
void Register(const SizeFigure& figure);
void RunAndPrintTable();

// A benchmark can't go on after an error of its own set-up: says it and ends the process.
[[noreturn]] void Fail(const std::string& what);
void Check(const Status& status);
template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) Fail(result.error().message);
  return std::move(result).value();
}

// A new folder under the temporary one, removed with it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path / name; }

  std::filesystem::path path;
};

}  // namespace fedtrial::bench
