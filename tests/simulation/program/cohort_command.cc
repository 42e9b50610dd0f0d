#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/runtime/signals.h"
#include "tests/simulation/cohort/generate.h"
#include "tests/simulation/program/commands.h"
#include "tests/simulation/program/progress.h"

namespace fedtrial::sim {
namespace {

std::vector<std::string> Lacking(const Site& site) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kModalities; ++i)
    if (!site.has[i]) names.emplace_back(ToString(static_cast<Modality>(i)));
  return names;
}

void Print(const CohortCommandOptions& options, const std::vector<SimulatedSite>& sites) {
  const CohortCounts counts = CountsOf(sites);
  if (options.json) {
    nlohmann::ordered_json report{{"simulated", true},
                                  {"signal", ToString(options.settings.signal)},
                                  {"seed", options.settings.seed},
                                  {"patients", counts.patients},
                                  {"deaths", counts.deaths},
                                  {"recurrences", counts.recurrences},
                                  {"pseudo_progressions", counts.pseudo_progressions},
                                  {"visits", counts.visits},
                                  {"prepared_visits", counts.prepared_visits},
                                  {"raw_visits", counts.raw_visits}};
    for (const SimulatedSite& site : sites)
      report["sites"].push_back(
          {{"name", site.site.name}, {"patients", site.site.patients}, {"lacks", Lacking(site.site)}});
    fmt::print("{}\n", report.dump(2));
    return;
  }
  fmt::print("SIMULATED: {} patients at {} sites, {} recurred, {} died, {} pseudo-progressions\n", counts.patients,
             sites.size(), counts.recurrences, counts.deaths, counts.pseudo_progressions);
  fmt::print("{} visits, {} with prepared volumes, {} with raw scans\n", counts.visits, counts.prepared_visits,
             counts.raw_visits);
  for (const SimulatedSite& site : sites)
    fmt::print("{}  {:4} patients  lacks {}\n", site.site.name, site.site.patients,
               Lacking(site.site).empty() ? "nothing" : fmt::format("{}", fmt::join(Lacking(site.site), ", ")));
}

}  // namespace

Status CohortCommand(const CohortCommandOptions& options) {
  ASSIGN_OR_RETURN(const auto stop, StopSignal::Install());
  RETURN_IF_ERROR(CheckCohortSettings(options.settings));
  ASSIGN_OR_RETURN(const CohortParameters parameters, PublishedCohortParameters());
  const std::vector<SimulatedSite> sites = SimulateCohort(parameters, options.settings);
  std::unique_ptr<ImageWriter> images;
  if (options.settings.volume > 0) {
    ASSIGN_OR_RETURN(images, OpenImageWriter());
  }
  {
    Progress progress;
    RETURN_IF_ERROR(GenerateCohort(
        parameters, options.settings, sites, options.out, images.get(),
        {.progress = [&](std::size_t done,
                         std::size_t of) { progress.Say(fmt::format("images of visit {} of {}", done, of)); },
         .stopped = [&] { return stop->stopped(); }}));
  }
  Print(options, sites);
  return {};
}

}  // namespace fedtrial::sim
