#pragma once

#include <string>

#include "proto/fedtrial/v1/worker.pb.h"
#include "site_node/cache/visit_entry.h"
#include "site_node/cache/volume_cache.h"
#include "site_node/shell/prepare_run.h"

namespace fedtrial::site {

// The state folder's side of a visit: what is there of it, and what a runner's answer adds. Any thread, a visit once.
class VisitKeeper {
 public:
  VisitKeeper(const StatePaths& paths, std::string rules, const VolumeCache& cache)
      : paths_(paths), rules_(std::move(rules)), cache_(cache) {}

  struct Known {
    bool settled = false;   // the same files, rules and baseline, and all that is named opens
    std::string known_key;  // other files, which may hold the same: what to compare with
    VisitEntry entry;
  };
  Known Look(const VisitScans& visit, const std::string& laid_onto) const;
  VisitReport ReportOf(const VisitScans& visit, const VisitEntry& entry, VisitReport::Kind kind) const;

  // Keeps the answer: report and picture, then the entry that names all of it. `entry` is what it says now.
  Status Keep(const VisitScans& visit, const std::string& laid_onto, const v1::VisitPrepared& answer,
              VisitEntry& entry) const;

 private:
  bool Opens(const VisitEntry& entry) const;
  Status WriteReport(const VisitScans& visit, const v1::VisitPrepared& answer) const;

  const StatePaths& paths_;
  const std::string rules_;
  const VolumeCache& cache_;
};

}  // namespace fedtrial::site
