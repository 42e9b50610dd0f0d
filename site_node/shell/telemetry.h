#pragma once

#include "common/runtime/metrics.h"
#include "site_node/core/effects.h"

namespace fedtrial::site {

// Texts and counters of what the core observed. No patient, no value, no key.
class Telemetry {
 public:
  void Show(const Observe& event);
  void Connection(bool connected, const std::string& why);
  void Uploaded(RoundId round, std::uint64_t bytes);
  void Rejected(const std::string& what, const Error& error);
  Metrics& metrics() { return metrics_; }

 private:
  Metrics metrics_;
};

}  // namespace fedtrial::site
