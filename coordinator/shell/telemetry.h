#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "common/base/time.h"
#include "common/runtime/metrics.h"
#include "coordinator/core/effects.h"

namespace fedtrial::coordinator {

// Texts and counters of what the core observed, and the little that status shows beside the journal: who was heard in
// the open phase and who is connected. Any thread. No key, no patient.
class Telemetry {
 public:
  using NameOf = std::function<std::string(SiteId)>;

  void Show(const Observe& event, const NameOf& name_of, Time now);
  void Connected(SiteId site, const std::string& name, bool connected);
  void Received(SiteId site, const std::string& name, std::uint64_t bytes);  // of uploads and envelopes
  void Stored(const std::string& name, RoundId round, std::uint64_t bytes);
  void Refused(const std::string& peer, std::string_view what, const Error& error);

  struct Live {
    RoundId round;
    Phase phase = Phase::kHello;
    bool open = false;  // a phase is open
    Time phase_opened{};
    std::set<SiteId> heard;  // in the open phase
    std::set<SiteId> connected;
    std::map<SiteId, std::string> problems;  // the last thing refused of a site
  };
  Live live() const;
  // Bytes received of each site since the last call.
  std::map<SiteId, std::uint64_t> TakeReceived();

  Metrics& metrics() { return metrics_; }

 private:
  void EndPhase(Time now);

  Metrics metrics_;
  mutable std::mutex mutex_;
  Live live_;
  std::map<SiteId, std::uint64_t> received_;
};

}  // namespace fedtrial::coordinator
