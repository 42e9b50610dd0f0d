#include "common/runtime/metrics.h"

#include <exception>
#include <mutex>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "common/runtime/log.h"

namespace fedtrial {
namespace {

const prometheus::Histogram::BucketBoundaries& SecondsBuckets() {
  static const prometheus::Histogram::BucketBoundaries buckets{0.01, 0.03, 0.1, 0.3, 1,    3,
                                                               10,   30,   100, 300, 1000, 3600};
  return buckets;
}

}  // namespace

struct Metrics::Families {
  std::mutex mutex;
  prometheus::Registry registry;

  // Prometheus throws for a name that isn't one or is of another kind: our own fault, and no reason to stop a round.
  template <typename Use>
  void Guarded(const Metric& metric, Use use) {
    const std::scoped_lock lock(mutex);
    try {
      use();
    } catch (const std::exception& problem) {
      LogWarning("metric dropped", {{"metric", metric.name}, {"reason", problem.what()}});
    }
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::Count(const Metric& metric, const MetricLabels& labels, double by) {
  families_->Guarded(metric, [&] {
    prometheus::BuildCounter()
        .Name(metric.name)
        .Help(metric.help)
        .Register(families_->registry)
        .Add(labels)
        .Increment(by);
  });
}

void Metrics::Set(const Metric& metric, double value, const MetricLabels& labels) {
  families_->Guarded(metric, [&] {
    prometheus::BuildGauge().Name(metric.name).Help(metric.help).Register(families_->registry).Add(labels).Set(value);
  });
}

void Metrics::Observe(const Metric& metric, double seconds, const MetricLabels& labels) {
  families_->Guarded(metric, [&] {
    prometheus::BuildHistogram()
        .Name(metric.name)
        .Help(metric.help)
        .Register(families_->registry)
        .Add(labels, SecondsBuckets())
        .Observe(seconds);
  });
}

std::string Metrics::Text() const {
  const std::scoped_lock lock(families_->mutex);
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace fedtrial
