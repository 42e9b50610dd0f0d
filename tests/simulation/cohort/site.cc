#include "tests/simulation/cohort/site.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "tests/simulation/cohort/draws.h"

namespace fedtrial::sim {
namespace {

constexpr unsigned kKits = 3, kScanners = 4;
constexpr std::array<std::array<double, 3>, kScanners> kSpacings{
    {{1.0, 1.0, 1.0}, {0.9, 0.9, 1.0}, {1.0, 1.0, 1.2}, {1.1, 1.0, 1.0}}};

// Largest remainders of what is above the smallest size.
std::vector<unsigned> DrawSizes(const SiteParameters& parameters, const CohortSettings& settings) {
  const unsigned smallest = std::min(parameters.smallest, settings.patients / settings.sites);
  const double rest = settings.patients - smallest * settings.sites;
  std::vector<double> shares;
  for (unsigned i = 0; i < settings.sites; ++i)
    shares.push_back(Draws(settings.seed, "size", i).LogNormal(1.0, parameters.size_spread));
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  std::vector<unsigned> sizes;
  std::vector<std::pair<double, unsigned>> remainders;  // smallest first, the largest remainder is the most negative
  for (unsigned i = 0; i < settings.sites; ++i) {
    const double wanted = rest * shares[i] / sum;
    sizes.push_back(smallest + static_cast<unsigned>(wanted));
    remainders.emplace_back(std::floor(wanted) - wanted, i);
  }
  std::ranges::sort(remainders);
  const unsigned dealt = std::accumulate(sizes.begin(), sizes.end(), 0U);
  for (unsigned i = 0; i < settings.patients - dealt; ++i) ++sizes[remainders[i % settings.sites].second];
  return sizes;
}

bool IsNamedRaw(const CohortSettings& settings, const std::string& site) {
  return site == settings.dicom_site || std::ranges::find(settings.raw_sites, site) != settings.raw_sites.end();
}

// True for the sites that lack the modality.
std::vector<bool> DrawLacking(const CohortSettings& settings, Modality modality) {
  std::vector<unsigned> order;
  for (unsigned i = 0; i < settings.sites; ++i)
    if (modality != Modality::kMri || !IsNamedRaw(settings, SiteName(i + 1))) order.push_back(i);
  Draws draws(settings.seed, "lacking", static_cast<std::uint64_t>(modality));
  for (std::size_t i = order.size(); i-- > 1;)
    std::swap(order[i], order[static_cast<std::size_t>(draws.Whole(0, static_cast<int>(i)))]);
  order.resize(std::min(order.size(), static_cast<std::size_t>(std::lround(settings.missing * settings.sites))));
  std::vector<bool> lacking(settings.sites, false);
  for (const unsigned site : order) lacking[site] = true;
  return lacking;
}

Kit DrawKit(const CohortParameters& parameters, Draws& draws) {
  Kit kit;
  kit.name = fmt::format("simkit-{}", draws.Whole(1, kKits));
  for (std::size_t kind = 0; kind < kPanelKinds; ++kind) {
    // Routine laboratories agree; the other methods differ from site to site.
    const double deviation = static_cast<PanelKind>(kind) == PanelKind::kLabs ? 0.0 : parameters.sites.kit_shift;
    for (std::size_t i = 0; i < parameters.panels[kind].size(); ++i)
      kit.shifts[kind].push_back(deviation * draws.Normal());
  }
  kit.scale = draws.LogNormal(1.0, parameters.sites.kit_scale);
  return kit;
}

Scanner DrawScanner(const CohortParameters& parameters, Draws& draws) {
  Scanner scanner;
  const auto kind = static_cast<std::size_t>(draws.Whole(0, kScanners - 1));
  scanner.name = fmt::format("simscan-{}", kind + 1);
  scanner.spacing_mm = kSpacings[kind];
  scanner.tesla = draws.Happens(0.5) ? 3.0 : 1.5;
  scanner.gamma = draws.LogNormal(1.0, parameters.sites.scanner_gamma);
  scanner.gain = draws.Uniform(2.0, 5.0);
  scanner.noise = draws.Uniform(parameters.sites.scanner_noise[0], parameters.sites.scanner_noise[1]);
  return scanner;
}

}  // namespace

std::vector<Site> DrawSites(const CohortParameters& parameters, const CohortSettings& settings) {
  const auto sizes = DrawSizes(parameters.sites, settings);
  std::vector<Site> sites;
  for (unsigned i = 0; i < settings.sites; ++i) {
    Site site;
    site.number = i + 1;
    site.name = SiteName(i + 1);
    site.patients = sizes[i];
    Draws draws(settings.seed, "site", i);
    site.kit = DrawKit(parameters, draws);
    site.scanner = DrawScanner(parameters, draws);
    sites.push_back(std::move(site));
  }
  for (std::size_t modality = 0; modality < kModalities; ++modality) {
    const auto lacking = DrawLacking(settings, static_cast<Modality>(modality));
    for (unsigned i = 0; i < settings.sites; ++i) sites[i].has[modality] = !lacking[i];
  }
  for (Site& site : sites) {
    bool& mri = site.has[static_cast<std::size_t>(Modality::kMri)];
    mri = mri && settings.volume > 0;
    site.dicom = site.name == settings.dicom_site;
    const bool raw = settings.raw_sites.empty() || IsNamedRaw(settings, site.name);
    site.raw_visits = mri && raw ? settings.raw_visits : 0;
  }
  return sites;
}

}  // namespace fedtrial::sim
