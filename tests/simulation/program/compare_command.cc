#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <sstream>
#include <system_error>

#include "common/runtime/files.h"
#include "tests/simulation/program/closing_table.h"
#include "tests/simulation/program/commands.h"
#include "tests/simulation/program/figures_json.h"
#include "tests/simulation/program/model_card.h"
#include "tests/simulation/program/progress.h"
#include "tests/simulation/program/report_page.h"
#include "tests/simulation/program/risk_report.h"
#include "tests/simulation/program/trial_files.h"

namespace fedtrial::sim {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxPictureBytes = std::size_t{16} << 20;
const std::vector<std::string> kShortModel{"age_y", "kps"};  // of the demo's data

std::vector<std::vector<std::string>> ReducedModels(const CompareOptions& options, const Plan& plan) {
  std::vector<std::vector<std::string>> models;
  for (const std::string& list : options.reduced) {
    std::vector<std::string> names;
    std::istringstream parts(list);
    for (std::string name; std::getline(parts, name, ',');) names.push_back(name);
    models.push_back(std::move(names));
  }
  const auto has = [&](const std::string& name) {
    return std::any_of(plan.features.begin(), plan.features.end(), [&](const Feature& f) { return f.name == name; });
  };
  if (models.empty() && std::all_of(kShortModel.begin(), kShortModel.end(), has)) models.push_back(kShortModel);
  return models;
}

// Patients of each site who have a modality, where a demo may read them all; what too few share is the coordinator's to
// say.
Json ModalitiesJson(const Plan& plan, const std::vector<SiteCohort>& cohorts) {
  Json json = Json::object();
  for (const auto& [name, cohort, summary] : cohorts) {
    if (summary.patients < plan.cohort.min_patients) continue;
    Json& site = json[name] = {{"patients", summary.patients}};
    for (const Block* modality : plan.Modalities()) {
      const auto found = summary.patients_per_block.find(modality->name);
      site["have"][modality->name] = found == summary.patients_per_block.end() ? 0 : found->second;
    }
  }
  return json;
}

Result<TrialFiles> ReadTrial(const CompareOptions& options) {
  if (!options.trial.empty()) return ReadTrialFiles(options.trial);
  ASSIGN_OR_RETURN(TrialFiles files, ReadPlanFile(options.plan));
  ASSIGN_OR_RETURN(files.model, ReadModelFile(options.model));
  return files;
}

Result<Json> ReadObject(const std::filesystem::path& file, std::string_view wanted) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(file));
  Json object = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object())
    return Error{ErrorCode::kInvalidInput, fmt::format("{} isn't a JSON object, wanted {}", file.string(), wanted)};
  return object;
}

Result<Json> ReadRun(const CompareOptions& options) {
  Json run = Json::object();
  if (!options.run.empty()) {
    ASSIGN_OR_RETURN(run, ReadObject(options.run, "the output of `fedtrial-coordinator report --json`"));
  }
  if (!options.audit.empty()) {
    ASSIGN_OR_RETURN(run["audit"], ReadObject(options.audit, "what `verify-audit` said of coordinator and sites"));
  }
  return run;
}

std::string Signed(const Json& figure) {
  const double rounded = std::round(figure["value"].get<double>() * 1000) / 1000 + 0.0;  // no "-0.000"
  std::string text = fmt::format("{:+.3f}", rounded);
  if (figure["low"].is_number())
    text += fmt::format(" [{:+.3f}, {:+.3f}]", figure["low"].get<double>(), figure["high"].get<double>());
  return text;
}

bool HoldsZero(const Json& figure) {
  return figure["low"].is_number() && figure["low"].get<double>() <= 0 && figure["high"].get<double>() >= 0;
}

// What the figures allow to say, from the cross-validated ones where there are some.
Json Remarks(const Json& concordance) {
  Json remarks = Json::array();
  for (const char* set : {"cross_validated", "test"}) {
    if (!concordance.contains(set)) continue;
    const Json& gain = concordance[set]["gain"];
    remarks.push_back(fmt::format("Federated minus pooled: {} in concordance ({}).", Signed(gain["pooled"]),
                                  std::string_view(set) == "test" ? "published test split" : "cross-validated"));
    if (gain.contains("local_mean"))
      remarks.push_back(fmt::format("Federated minus the mean of single hospitals: {}.", Signed(gain["local_mean"])));
    for (const auto& [covariates, figure] : concordance[set]["reduced"].items()) {
      const bool short_model = covariates == fmt::format("{}", fmt::join(kShortModel, ","));
      remarks.push_back(fmt::format(
          "{} {} over {} alone: {}.", short_model ? "The molecular columns show" : "The other columns show",
          HoldsZero(gain[covariates]) ? "no demonstrated gain" : "a difference", covariates, Signed(gain[covariates])));
    }
    break;
  }
  return remarks;
}

// What the network adds over the linear model, or that it doesn't.
Json NetworkRemarks(const Json& network) {
  Json remarks = Json::array();
  const Json figures = network.value("cross_validated", network.value("outside", Json::object()));
  if (!figures.contains("gain")) return remarks;
  const Json& gain = figures["gain"];
  remarks.push_back(fmt::format("Network, federated minus pooled: {} in concordance.", Signed(gain["pooled"])));
  if (gain.contains("linear")) {
    const bool adds = gain["linear"]["low"].is_number() && gain["linear"]["low"].get<double>() > 0;
    remarks.push_back(fmt::format("The network {} over the linear model: {}.",
                                  adds ? "adds to concordance" : "adds nothing demonstrable", Signed(gain["linear"])));
  }
  return remarks;
}

// The federation's own figures, over pairs within hospitals, go beside ours.
void MoveWithin(const Json& run, Json& concordance) {
  const Json own = run.value("concordance", Json::object());
  if (own.is_object() && own.contains("federated_within") && concordance.contains("cross_validated"))
    concordance["cross_validated"]["federated_within"] = own["federated_within"];
  if (run.contains("test") && run["test"].is_object() && concordance.contains("test"))
    concordance["test"]["federated_within"] = run["test"];
}

// Whether the plan's last model is a linear block.
bool EndsLinear(const Plan& plan) {
  const auto step = LastTrainStep(plan);
  const Block* block = step.ok() ? plan.FindBlock((*step)->block) : nullptr;
  return block != nullptr && block->kind == BlockKind::kLinear;
}

Status WriteReport(const CompareOptions& options, const Json& report) {
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  if (error) return Error{ErrorCode::kUnavailable, fmt::format("{}: {}", options.out.string(), error.message())};
  RETURN_IF_ERROR(WriteTextFile(options.out / "report.json", report.dump(2) + "\n"));
  RETURN_IF_ERROR(WriteTextFile(options.out / "model-card.md", ModelCard(report)));
  return WriteTextFile(options.out / "report.html", ReportPage(report));
}

}  // namespace

Status CompareCommand(const CompareOptions& options) {
  ASSIGN_OR_RETURN(const TrialFiles trial, ReadTrial(options));
  ASSIGN_OR_RETURN(Json report, ReadRun(options));
  ASSIGN_OR_RETURN(const auto cohorts, ReadSites(trial.plan, options.sites));
  const Patients patients = FromCohorts(cohorts, trial.plan.cohort.min_patients);
  Progress progress;
  ComparisonOptions wanted;
  wanted.bootstrap = options.bootstrap;
  wanted.start = trial.start;
  wanted.reduced = ReducedModels(options, trial.plan);
  wanted.progress = progress.Of("comparison, folds");
  Json remarks = Json::array();
  if (EndsLinear(trial.plan)) {
    ASSIGN_OR_RETURN(const Comparison comparison, Compare(trial.plan, trial.model, patients, wanted));
    Json concordance = ConcordanceJson(comparison);
    MoveWithin(report, concordance);
    remarks = Remarks(concordance);
    report["concordance"] = std::move(concordance);
    report["models"] = ModelsJson(comparison, patients.covariates);
  }
  wanted.progress = progress.Of("comparison of the network, rounds");
  ASSIGN_OR_RETURN(const auto network, CompareNetwork(trial.plan, trial.model, cohorts, patients, wanted));
  if (network) {
    report["network"] = NetworkJson(*network);
    for (Json& remark : NetworkRemarks(report["network"])) remarks.push_back(std::move(remark));
  }
  remarks.push_back("Research demonstration, no clinical use.");
  ASSIGN_OR_RETURN(const Json risk, RiskReport(trial.plan, trial.model, cohorts, patients));

  if (trial.plan.Fusion() != nullptr) report["modalities"] = ModalitiesJson(trial.plan, cohorts);
  if (!options.picture.empty()) {
    ASSIGN_OR_RETURN(const Bytes picture, ReadWholeFile(options.picture, kMaxPictureBytes));
    report["picture_png_hex"] = ToHex(picture);
  }
  report["trial"] = trial.plan.trial_id;
  report["title"] = trial.plan.title;
  report["plan_sha256"] = ToHex(trial.plan.hash);
  report["remarks"] = std::move(remarks);
  report.update(risk);
  if (!options.out.empty()) RETURN_IF_ERROR(WriteReport(options, report));
  fmt::print("{}", options.json ? report.dump(2) + "\n" : ClosingTable(report));
  return {};
}

}  // namespace fedtrial::sim
