#include "tests/simulation/cohort/settings.h"

#include <algorithm>
#include <fmt/format.h>

namespace fedtrial::sim {
namespace {

constexpr unsigned kMaxSites = 99;         // two digits in a name
constexpr unsigned kMaxPatients = 99'000;  // three digits a site
constexpr double kMaxMissing = 0.9;

Error Refused(std::string message) { return {ErrorCode::kInvalidInput, std::move(message)}; }

bool IsSite(const CohortSettings& settings, const std::string& name) {
  for (unsigned site = 1; site <= settings.sites; ++site)
    if (name == SiteName(site)) return true;
  return false;
}

}  // namespace

std::string_view ToString(Signal signal) { return kSignalNames[static_cast<std::size_t>(signal)]; }

std::string SiteName(unsigned number) { return fmt::format("site_{:02}", number); }

Status CheckCohortSettings(const CohortSettings& settings) {
  if (settings.sites < 1 || settings.sites > kMaxSites)
    return Refused(fmt::format("{} sites, wanted 1 to {}", settings.sites, kMaxSites));
  if (settings.patients < settings.sites || settings.patients > kMaxPatients)
    return Refused(
        fmt::format("{} patients, wanted one a site ({}) to {}", settings.patients, settings.sites, kMaxPatients));
  if (!(settings.missing >= 0.0 && settings.missing <= kMaxMissing))
    return Refused(fmt::format("missing {}, wanted 0 to {}", settings.missing, kMaxMissing));
  if (settings.volume != 0 && settings.volume != 32 && settings.volume != 64)
    return Refused(fmt::format("volumes of {} voxels, wanted 0, 32 or 64", settings.volume));
  if (settings.volume == 0 && (settings.raw_visits > 0 || !settings.dicom_site.empty()))
    return Refused("raw visits and DICOM need images: a volume of 32 or 64");
  if (settings.raw_visits == 0 && (!settings.raw_sites.empty() || !settings.dicom_site.empty()))
    return Refused("raw sites and DICOM need raw visits: at least 1");
  for (const std::string& name : settings.raw_sites)
    if (!IsSite(settings, name))
      return Refused(fmt::format("raw site {}, wanted {} to {}", name, SiteName(1), SiteName(settings.sites)));
  if (!settings.dicom_site.empty() && !IsSite(settings, settings.dicom_site))
    return Refused(
        fmt::format("DICOM site {}, wanted {} to {}", settings.dicom_site, SiteName(1), SiteName(settings.sites)));
  if (!settings.dicom_site.empty() && !settings.raw_sites.empty() &&
      std::ranges::find(settings.raw_sites, settings.dicom_site) == settings.raw_sites.end())
    return Refused(fmt::format("DICOM site {} is not among the raw sites", settings.dicom_site));
  return {};
}

}  // namespace fedtrial::sim
