#pragma once

#include <map>
#include <memory>
#include <string>

namespace fedtrial {

// What is counted: a constant of the telemetry, e.g. {"fedtrial_rounds_total", "Rounds that ended, by outcome"}.
// One name has one kind.
struct Metric {
  const char* name;  // [a-z_]+
  const char* help;
};

using MetricLabels = std::map<std::string, std::string>;

// Prometheus metrics of one daemon. A series appears at its first use. Any thread; never fails (a name used as another
// kind is dropped with a warning in the log).
class Metrics {
 public:
  Metrics();
  ~Metrics();

  void Count(const Metric& metric, const MetricLabels& labels = {}, double by = 1);  // by >= 0
  void Set(const Metric& metric, double value, const MetricLabels& labels = {});
  void Observe(const Metric& metric, double seconds, const MetricLabels& labels = {});  // buckets of 10 ms to 1 h

  // Text exposition; serve it as kMetricsType.
  std::string Text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

inline constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace fedtrial
