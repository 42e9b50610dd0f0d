#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "proto/fedtrial/v1/worker.pb.h"
#include "site_node/cache/volume_cache.h"
#include "site_node/shell/node.h"
#include "site_node/shell/prepare_queue.h"

namespace fedtrial::site {

inline constexpr std::string_view kStopped = "stopped";  // what a runner says that was

// Prepares one visit after another, in a process of its own. Prepare from one thread, Stop from any.
class VisitRunner {
 public:
  virtual ~VisitRunner() = default;
  // A visit that can't be used is an answer. kInvalidInput, kUnavailable: no visit can be prepared as things are;
  // other codes: this one couldn't be tried.
  virtual Result<v1::VisitPrepared> Prepare(const VisitScans& visit, const std::string& laid_onto,
                                            const std::string& known_key) = 0;
  virtual void Stop() = 0;  // a Prepare that runs fails with kUnavailable and kStopped, and so does every later one
};

// What became of a visit, for a person.
struct VisitReport {
  enum class Kind { kPrepared, kAlready, kFailed };
  std::string subject, session;
  Kind kind = Kind::kFailed;
  std::vector<std::string> sequences;  // that are in the cache
  std::vector<std::string> reasons;    // why a series or the visit failed
  std::vector<std::string> warnings;
};
std::string_view ToString(VisitReport::Kind kind);  // "prepared", "already", "failed"

struct PrepareSettings {
  StatePaths paths;
  std::string rules;          // RulesText of the plan
  unsigned side_by_side = 1;  // runners
  std::function<std::unique_ptr<VisitRunner>()> make_runner;
  std::function<bool()> stopped;                 // asked several times a second
  std::function<void(const VisitReport&)> tell;  // one call at a time, from any thread
};

// Works off the visits (by subject, then by day). A visit whose entry in the cache says that it was prepared from these
// files, under these rules, onto the same baseline, and whose sealed files open, is left as it is; so is one that
// failed. A visit's files are written before its entry: whatever ends this, it goes on where it was. kUnavailable: it
// was stopped, or the disk is full; kInvalidInput: no visit can be prepared as things are.
Status PrepareVisits(const std::vector<VisitScans>& visits, const VolumeCache& cache, const PrepareSettings& settings);

// Removes what no visit of the data folder has any more: entries, reports and sealed files.
Status RemoveUnused(const std::vector<VisitScans>& visits, const StatePaths& paths);

}  // namespace fedtrial::site
