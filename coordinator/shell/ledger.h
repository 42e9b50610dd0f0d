#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/runtime/store.h"

namespace fedtrial::coordinator {

// What the core doesn't know, kept for report and status: wall times of the rounds, and each site's bytes. Table
// "ledger" of trial.db. One thread.
class Ledger {
 public:
  explicit Ledger(Store& store) : store_(store) {}

  struct Times {
    std::int64_t opened_ms = 0;  // since 1970; of the attempt's first opening, whatever restarts came after
    std::int64_t ended_ms = 0;   // 0: still open
  };
  Status Opened(RoundId round, std::int64_t now_ms);  // again after a restart: changes nothing
  Status Ended(RoundId round, std::int64_t now_ms);
  Result<std::map<RoundId, Times>> Rounds() const;

  struct Traffic {
    std::uint64_t sent = 0;           // bytes that came from the site: uploads, repeats after cuts, envelopes
    std::uint64_t plain_float32 = 0;  // what the same values would be as plain float32
    std::uint64_t uploads = 0;        // stored whole
  };
  Status Add(SiteId site, const Traffic& more);
  Result<std::map<SiteId, Traffic>> Sites() const;

 private:
  Store& store_;
};

}  // namespace fedtrial::coordinator
