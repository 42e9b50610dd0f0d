#include <algorithm>
#include <cstdio>
#include <fmt/format.h>

#include "security/crypto/sha256.h"
#include "site_node/cohort/folds.h"
#include "tests/simulation/program/closing_table.h"
#include "tests/simulation/program/commands.h"
#include "tests/simulation/program/figures_json.h"
#include "tests/simulation/program/play.h"
#include "tests/simulation/program/progress.h"
#include "tests/simulation/program/trial_files.h"

namespace fedtrial::sim {
namespace {

CohortSummary SummaryOf(const Plan& plan, const std::string& site, const Cohort& cohort) {
  CohortSummary summary;
  summary.patients = cohort.samples.size();
  for (const Sample& sample : cohort.samples) summary.events += sample.event ? 1 : 0;
  for (const Block& block : plan.blocks) summary.patients_per_block[block.name] = summary.patients;
  for (std::size_t j = 0; j < plan.features.size(); ++j) {
    std::size_t& having = summary.patients_per_block["feature_" + plan.features[j].name];
    for (const Sample& sample : cohort.samples) having += sample.features[j] == sample.features[j] ? 1 : 0;
  }
  summary.digest = Sha256(ByteWriter().Label("fl/table/v1").Raw(plan.hash).Enc(site).Take());
  return summary;
}

// The sites that take part. Where no file has the folds they are dealt here, as a site would.
std::vector<SiteCohort> SitesOf(const Plan& plan, Patients& patients) {
  std::vector<SiteCohort> sites;
  for (const std::size_t site : patients.SitesInside()) {
    Cohort cohort = patients.CohortOf(site);
    if (plan.folds.repeats > 0 && plan.folds.column.empty()) {
      site::DealFolds(plan.folds, plan.seed, cohort);
      const Rows rows = patients.RowsOf(site);
      for (std::size_t i = 0; i < rows.size(); ++i) patients.folds[rows[i]] = cohort.samples[i].folds;
    }
    CohortSummary summary = SummaryOf(plan, patients.sites[site], cohort);
    sites.push_back({patients.sites[site], std::move(cohort), std::move(summary)});
  }
  return sites;
}

// Folds as the file has them.
void TakeFolds(const Patients& patients, Recipe& recipe) {
  recipe.folds_from_file = true;
  recipe.repeats = recipe.folds = 0;
  for (std::size_t i = 0; i < patients.size(); ++i) {
    recipe.repeats = std::max(recipe.repeats, static_cast<unsigned>(patients.folds[i].size()));
    for (const int fold : patients.folds[i]) recipe.folds = std::max(recipe.folds, static_cast<unsigned>(fold));
  }
}

}  // namespace

Status TableCommand(TableOptions options) {
  ASSIGN_OR_RETURN(Patients patients,
                   ReadCsvPatients(options.table, {options.site, options.patient, options.time, options.event,
                                                   options.covariates, options.folds, options.recipe.min_patients}));
  if (!options.folds.empty()) TakeFolds(patients, options.recipe);
  ASSIGN_OR_RETURN(const std::string plan_toml, PlanOfTable(patients, options.recipe));
  if (!options.write_plan.empty()) RETURN_IF_ERROR(WriteTextFile(options.write_plan, plan_toml));
  ASSIGN_OR_RETURN(const Plan plan, ParsePlan(plan_toml, "the table's plan"));
  const std::vector<SiteCohort> sites = SitesOf(plan, patients);

  Progress progress;
  ASSIGN_OR_RETURN(const Played played, Play(plan_toml, plan, sites, {.progress = progress.OfRounds()}));
  ASSIGN_OR_RETURN(const Comparison comparison,
                   Compare(plan, played.model, patients,
                           {.bootstrap = options.bootstrap, .progress = progress.Of("comparison, folds")}));
  nlohmann::json figures = ConcordanceJson(comparison);
  if (options.json) {
    figures["models"] = ModelsJson(comparison, options.covariates);
    fmt::print("{}\n", figures.dump(2));
    return {};
  }
  fmt::print("{} sites with {} patients or more, {} patients in all\n\n{}", sites.size(), options.recipe.min_patients,
             patients.size(),
             ClosingTable({{"concordance", std::move(figures)}, {"upload_bytes", played.upload_bytes}}));
  return {};
}

}  // namespace fedtrial::sim
