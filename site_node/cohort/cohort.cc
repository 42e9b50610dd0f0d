#include "site_node/cohort/cohort.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <utility>

#include "site_node/cohort/checks.h"
#include "site_node/cohort/dictionary.h"
#include "site_node/cohort/folds.h"
#include "site_node/cohort/patient_reader.h"
#include "site_node/cohort/source.h"

namespace fedtrial::site {
namespace {

const Endpoint* IllnessDeath(const Plan& plan) {
  const auto found = std::ranges::find(plan.endpoints, EndpointKind::kIllnessDeath, &Endpoint::kind);
  return found == plan.endpoints.end() ? nullptr : &*found;
}

bool HasModality(const Block& block, std::size_t panel, const Sample& sample) {
  if (block.kind == BlockKind::kMri) return !sample.volumes.empty();
  if (block.kind == BlockKind::kPanel)
    return std::ranges::find(sample.panel_visits, panel, &PanelVisit::panel) != sample.panel_visits.end();
  return block.kind == BlockKind::kStatic &&
         std::ranges::any_of(block.features, [&](std::size_t j) { return !std::isnan(sample.features[j]); });
}

bool KnowsTarget(const Plan& plan, const Block& head, const Sample& sample) {
  if (head.target == HeadTarget::kLabel) return !std::isnan(sample.features[head.label]);
  if (head.target == HeadTarget::kPseudoProgression) return sample.suspicion && sample.suspicion->pseudo;
  const Endpoint* endpoint = plan.FindEndpoint(head.endpoint);
  return endpoint == nullptr || endpoint->kind == EndpointKind::kSurvival || sample.course.has_value();
}

}  // namespace

bool Fills(const Plan& plan, const Block& block, const Sample& sample) {
  std::size_t panel = 0;
  bool any = false;
  for (const Block& other : plan.blocks) {
    const bool has = HasModality(other, panel, sample);
    panel += other.kind == BlockKind::kPanel;
    any = any || has;
    if (&other == &block && IsModality(block.kind)) return has;
  }
  return any && (block.kind != BlockKind::kHead || KnowsTarget(plan, block, sample));
}

namespace {

CohortSummary Summarise(const Plan& plan, const Cohort& cohort) {
  CohortSummary summary;
  std::size_t test = 0;
  std::vector<std::size_t> with_value(plan.features.size(), 0);  // at day 0
  std::vector<std::size_t> measured(plan.features.size(), 0);    // then or at any visit
  const std::vector<const Block*> panels = plan.Panels();
  for (const Sample& sample : cohort.samples) {
    test += sample.holds_out;
    if (sample.holds_out) continue;
    ++summary.patients;
    summary.events += sample.event;
    std::vector<bool> any(plan.features.size());
    for (const PanelVisit& visit : sample.panel_visits)
      for (const PanelValue& value : visit.values) any[panels[visit.panel]->features[value.analyte]] = true;
    for (std::size_t i = 0; i < with_value.size(); ++i) {
      with_value[i] += !std::isnan(sample.features[i]);
      measured[i] += any[i] || !std::isnan(sample.features[i]);
    }
  }
  for (std::size_t i = 0; i < measured.size(); ++i)
    summary.patients_per_block["feature_" + plan.features[i].name] = measured[i];
  for (const Block& block : plan.blocks) {
    if (block.kind == BlockKind::kLinear) {
      const bool filled = std::ranges::any_of(block.features, [&](std::size_t j) { return with_value[j] > 0; });
      summary.patients_per_block[block.name] = filled ? summary.patients : 0;
      continue;
    }
    summary.patients_per_block[block.name] = static_cast<std::size_t>(std::ranges::count_if(
        cohort.samples, [&](const Sample& sample) { return !sample.holds_out && Fills(plan, block, sample); }));
  }
  if (!plan.split_column.empty()) summary.patients_per_block["test"] = test;
  return summary;
}

// A landmark with nobody at risk: this site has nothing to say there.
void FindEmptyLandmarks(const Plan& plan, const CohortReading& reading, FindingList& findings) {
  const Endpoint& endpoint = plan.endpoints.front();
  for (const double landmark : endpoint.landmarks) {
    const bool at_risk = std::ranges::any_of(reading.cohort.samples, [landmark](const Sample& sample) {
      return !sample.holds_out && sample.time_days > landmark;
    });
    if (at_risk || landmark == 0.0 || reading.summary.patients == 0) continue;
    findings.Add({.severity = Severity::kWarning,
                  .file = "",
                  .line = 0,
                  .column = 0,
                  .name = endpoint.name,
                  .value = "",
                  .message = fmt::format("nobody is at risk at the landmark of day {}: this site contributes nothing "
                                         "to it",
                                         landmark),
                  .wanted = "a patient followed longer"});
  }
}

void FindOnTheWhole(const Plan& plan, const CohortReading& reading, FindingList& findings) {
  for (const Feature& feature : plan.features) {
    if (const auto clipped = reading.clipped.find(feature.name); clipped != reading.clipped.end())
      findings.Add(
          {.severity = Severity::kWarning,
           .file = "",
           .line = 0,
           .column = 0,
           .name = feature.name,
           .value = "",
           .message = fmt::format("{} values lie outside the plan's range and are moved to its ends", clipped->second),
           .wanted = fmt::format("{} to {} {}", feature.low, feature.high, feature.unit)});
    if (reading.summary.patients > 0 && reading.summary.patients_per_block.at("feature_" + feature.name) == 0)
      findings.Add({.severity = Severity::kNote,
                    .file = "",
                    .line = 0,
                    .column = 0,
                    .name = feature.name,
                    .value = "",
                    .message = "no patient has a value: this site contributes nothing to it",
                    .wanted = ""});
  }
  FindEmptyLandmarks(plan, reading, findings);
  if (reading.unprepared_volumes > 0)
    findings.Add(
        {.severity = Severity::kWarning,
         .file = "",
         .line = 0,
         .column = 0,
         .name = "",
         .value = "",
         .message = fmt::format("{} scans aren't prepared: no model is trained on them, nor predicts from them",
                                reading.unprepared_volumes),
         .wanted = "`fedtrial-site prepare`"});
  if (reading.summary.patients == 0)
    findings.Add({.severity = Severity::kWarning,
                  .file = "participants.tsv",
                  .line = 0,
                  .column = 0,
                  .name = "",
                  .value = "",
                  .message = "no patient is in the cohort: this site contributes nothing",
                  .wanted = ""});
  else if (reading.summary.events == 0)
    findings.Add({.severity = Severity::kWarning,
                  .file = "",
                  .line = 0,
                  .column = 0,
                  .name = "",
                  .value = "",
                  .message = fmt::format("none of the {} patients has the event", reading.summary.patients),
                  .wanted = ""});
}

Result<CohortReading> ReadTables(const Plan& plan, const std::filesystem::path& folder, const CohortOptions& options) {
  if (plan.endpoints.empty()) return Error{ErrorCode::kInvalidInput, "cohort: the plan has no endpoint"};
  Problems problems;
  FindingList findings;
  Source source(folder, options, problems, findings);
  const Table* participants = source.Participants();
  const std::size_t patients = participants == nullptr ? 0 : participants->patient_rows.size();
  Dictionaries dictionaries(folder, problems);
  const Columns columns = FindColumns(plan, !options.without_outcome, patients, source, dictionaries);
  const DayReader days = DayReader::Read(plan, source, findings);
  PatientFields fields(findings);
  CourseReader course(options.without_outcome ? nullptr : IllnessDeath(plan), source, days, fields);
  SuspicionReader suspicion(plan.PseudoProgression(), source, days, findings);
  MeasurementReader measurements(plan, source, days, findings);
  std::vector<LongTable> tables = measurements.Open();
  if (!problems.empty()) return problems.ToStatus().error().In(fmt::format("data folder {}", folder.string()));

  suspicion.Read();
  for (LongTable& table : tables) measurements.Read(*participants, table);
  const PanelFiller panels(plan, tables, findings);
  VolumeFiller volumes(plan, folder, days, findings, options.prepared);
  CohortReading reading =
      PatientReader(plan, source, findings, options, {columns, days, fields, course, suspicion, panels, volumes})
          .Read(*participants);
  if (columns.folds.empty() && !options.without_outcome) DealFolds(plan.folds, plan.seed, reading.cohort);
  reading.summary = Summarise(plan, reading.cohort);
  reading.summary.digest = volumes.DigestWith(dictionaries.DigestWith(source.DigestWith(plan.hash)));
  if (!options.without_outcome) FindOnTheWhole(plan, reading, findings);
  if (options.all_checks) RunAllChecks({plan, folder, options, tables, reading, days}, findings);
  reading.columns = source.found();
  std::move(findings).MoveTo(reading);
  return reading;
}

}  // namespace

Result<CohortReading> ReadCohort(const Plan& plan, const std::filesystem::path& folder, const CohortOptions& options) {
  try {
    return ReadTables(plan, folder, options);
  } catch (const std::exception& failure) {  // no memory, a path that can't be said
    return Error{ErrorCode::kInternal, fmt::format("data folder {}: {}", folder.string(), failure.what())};
  }
}

}  // namespace fedtrial::site
