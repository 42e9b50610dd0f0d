#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "proto/plan/plan.h"
#include "site_node/cohort/prepared_visits.h"

namespace fedtrial::site {

// The visits that lie prepared in a cache as a plan wants them: the daemon and its worker read the same samples by it.
// A file that is gone is left out; one that was changed is found when it is opened.
class CachedVisits : public PreparedVisits {
 public:
  CachedVisits(std::filesystem::path cache, const ImagingRules& rules);
  std::map<MriSequence, std::string> Of(const std::string& subject, const std::string& session) const override;

 private:
  std::filesystem::path cache_;
  std::string rules_;
};

}  // namespace fedtrial::site
