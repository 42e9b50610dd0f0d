#include "site_node/cache/cached_visits.h"

#include "site_node/cache/visit_entry.h"

namespace fedtrial::site {

CachedVisits::CachedVisits(std::filesystem::path cache, const ImagingRules& rules)
    : cache_(std::move(cache)), rules_(RulesText(rules)) {}

std::map<MriSequence, std::string> CachedVisits::Of(const std::string& subject, const std::string& session) const {
  auto entry = ReadVisitEntry(cache_, subject, session);
  if (!entry || entry->rules != rules_) return {};
  std::error_code error;
  std::erase_if(entry->volumes,
                [&](const auto& volume) { return !std::filesystem::exists(cache_ / volume.second, error); });
  return std::move(entry->volumes);
}

}  // namespace fedtrial::site
