#include "tests/simulation/program/experiment.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <vector>

#include "model/survival/concordance.h"
#include "proto/plan/layout.h"
#include "site_node/cohort/folds.h"
#include "tests/simulation/cohort/generate.h"
#include "tests/simulation/program/calibration_figures.h"
#include "tests/simulation/program/patient_scores.h"
#include "tests/simulation/program/plain_trial.h"
#include "tests/simulation/program/plain_volumes.h"
#include "tests/simulation/program/trial_files.h"

namespace fedtrial::sim {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr char kLinear[] = "linear";
constexpr std::uint64_t kTestSeed = 1'000'000'007;

constexpr unsigned kFolds = 5;

// The plan with a linear block of all its features, trained as the demo's, without what the cohort doesn't have, and
// without cross-validation.
Plan WithLinear(Plan plan, const ExperimentSettings& settings) {
  plan.folds = {};
  if (settings.cohort.volume == 0) {
    std::erase_if(plan.blocks, [](const Block& block) { return block.kind == BlockKind::kMri; });
    std::erase_if(plan.steps, [](const Step& step) {
      const auto* train = std::get_if<TrainStep>(&step.settings);
      return train != nullptr && train->stage == NetworkStage::kEncoder;
    });
  }
  for (Step& step : plan.steps)
    if (auto* train = std::get_if<TrainStep>(&step.settings);
        train != nullptr && train->stage == NetworkStage::kHeads && settings.rounds > 0)
      train->rounds = settings.rounds;
  Block block{kLinear, BlockKind::kLinear, {}};
  for (std::size_t j = 0; j < plan.features.size(); ++j) block.features.push_back(j);
  plan.blocks.push_back(std::move(block));
  TrainStep train;
  train.block = kLinear;
  train.endpoint = plan.endpoints.front().name;
  train.rounds = 30;
  train.local.steps = 5;
  train.local.rate = 0.3;
  train.local.rate_half = 5.0;
  train.local.ridge = 10.0;
  plan.steps.push_back({"train", train});
  return plan;
}

// As it is trained federated: the network's predictions are recalibrated at the end, on folds that the sites deal.
Plan WithRecalibration(Plan plan) {
  plan.folds = {1, kFolds, ""};
  plan.network.repeats = 1;
  plan.steps.push_back({"recalibrate", RecalibrateStep{plan.Fusion()->name, plan.endpoints.front().name}});
  return plan;
}

struct SimulatedFolders {
  std::vector<SiteCohort> sites;
  std::map<std::string, double> truth;  // risk by patient
};

class Experiment {
 public:
  Experiment(const Plan& plan, const ExperimentSettings& settings, const std::filesystem::path& scratch,
             const std::function<void(const std::string&)>& say, const std::function<bool()>& stopped)
      : plan_(WithLinear(plan, settings)),
        settings_(settings),
        scratch_(scratch),
        say_(say),
        stopped_(stopped),
        endpoint_(plan_.endpoints.front().name),
        volumes_(OpenPlainVolumes(plan_.imaging)),
        scorer_(plan_) {}

  Result<Json> Run() {
    const auto started = Clock::now();
    CohortSettings test = settings_.cohort;
    test.seed += kTestSeed;
    test.patients = settings_.test_patients;
    ASSIGN_OR_RETURN(const SimulatedFolders trained, Simulate(settings_.cohort));
    ASSIGN_OR_RETURN(const SimulatedFolders tested, Simulate(test));
    RETURN_IF_ERROR(SetTest(tested));
    RETURN_IF_ERROR(TrainAll(trained.sites));
    report_["seed"] = settings_.cohort.seed;
    report_["signal"] = ToString(settings_.cohort.signal);
    report_["landmark_days"] = settings_.landmark_days;
    report_["patients"] = outcomes_.size();
    report_["events"] = CountEvents(outcomes_);
    report_["seconds"] = std::chrono::duration<double>(Clock::now() - started).count();
    return std::move(report_);
  }

 private:
  Result<SimulatedFolders> Simulate(const CohortSettings& settings) const {
    say_(fmt::format("simulating {} patients", settings.patients));
    ASSIGN_OR_RETURN(const CohortParameters parameters, PublishedCohortParameters());
    const std::vector<SimulatedSite> sites = SimulateCohort(parameters, settings);
    std::unique_ptr<ImageWriter> images;
    if (settings.volume > 0) {
      ASSIGN_OR_RETURN(images, OpenImageWriter());
    }
    const std::filesystem::path folder = scratch_ / fmt::format("cohort_{}", settings.seed);
    RETURN_IF_ERROR(GenerateCohort(parameters, settings, sites, folder, images.get(), {.stopped = stopped_}));
    SimulatedFolders read;
    ASSIGN_OR_RETURN(read.sites, ReadSites(plan_, folder));
    for (const SimulatedSite& site : sites)
      for (const Patient& patient : site.patients) read.truth[patient.id] = patient.risk;
    return read;
  }

  // Those of the test cohort who are at risk at the landmark.
  Status SetTest(const SimulatedFolders& tested) {
    std::vector<double> truth;
    for (SiteCohort site : tested.sites) {
      std::erase_if(site.cohort.samples, [this](const Sample& s) { return s.time_days <= settings_.landmark_days; });
      for (const Sample& sample : site.cohort.samples) {
        outcomes_.push_back({sample.time_days - settings_.landmark_days, sample.event});
        truth.push_back(tested.truth.at(sample.key));
      }
      test_.push_back(std::move(site));
    }
    ASSIGN_OR_RETURN(report_["concordance"]["truth"], Concordance(truth));
    return {};
  }

  Result<double> Concordance(const std::vector<double>& risk) const {
    ASSIGN_OR_RETURN(const PairCounts pairs, CountPairs(outcomes_, risk));
    return (pairs.concordant + pairs.tied_risk / 2.0) / pairs.comparable();
  }

  Result<site::Scores> Score(const Model& model, const Block& block, const std::vector<SiteCohort>& cohorts) {
    const bool network = block.kind != BlockKind::kLinear;
    return scorer_.Score(model, cohorts, Replica{}, block, endpoint_,
                         network ? std::optional(settings_.landmark_days) : std::nullopt);
  }

  // The network as a federation trains it: with folds, dealt at each site, for its recalibration.
  Result<Model> TrainFederatedNetwork(const std::vector<SiteCohort>& sites) const {
    const Plan plan = WithRecalibration(plan_);
    std::vector<Cohort> dealt;
    for (const SiteCohort& one : sites) site::DealFolds(plan.folds, plan.seed, dealt.emplace_back(one.cohort));
    std::vector<const Cohort*> cohorts;
    for (const Cohort& cohort : dealt) cohorts.push_back(&cohort);
    return Train("network, federated", plan, *plan.Fusion(), cohorts, true);
  }

  Result<Model> Train(const std::string& name, const Block& block, const std::vector<const Cohort*>& cohorts,
                      bool federated) const {
    return Train(name, plan_, block, cohorts, federated);
  }

  Result<Model> Train(const std::string& name, const Plan& plan, const Block& block,
                      const std::vector<const Cohort*>& cohorts, bool federated) const {
    say_(fmt::format("training: {}", name));
    PlainOptions options;
    options.fewest_sites = federated;
    options.volumes = volumes_.get();
    options.start = settings_.start;
    options.stopped = stopped_;
    auto model = TrainPlainly(plan, block, cohorts, options);
    if (!model.ok()) return model.error().In(name);
    return model;
  }

  Status TrainAll(const std::vector<SiteCohort>& sites) {
    const Block& fusion = *plan_.Fusion();
    const Block& linear = plan_.blocks.back();
    Json& concordance = report_["concordance"];
    std::vector<const Cohort*> apart;
    Cohort together;
    for (const auto& [name, cohort, summary] : sites) {
      together.feature_names = cohort.feature_names;
      together.panels = cohort.panels;
      together.samples.insert(together.samples.end(), cohort.samples.begin(), cohort.samples.end());
      if (summary.patients >= plan_.cohort.min_patients) apart.push_back(&cohort);
    }
    ASSIGN_OR_RETURN(const Model federated, TrainFederatedNetwork(sites));
    ASSIGN_OR_RETURN(const site::Scores scores, Score(federated, fusion, test_));
    ASSIGN_OR_RETURN(concordance["federated"], Concordance(scores.risk));
    RETURN_IF_ERROR(AddCalibration(federated, scores, together));
    RETURN_IF_ERROR(AddFrozen(federated));
    RETURN_IF_ERROR(AddAblation(federated, fusion));

    ASSIGN_OR_RETURN(const Model pooled, Train("network, pooled", fusion, {&together}, false));
    ASSIGN_OR_RETURN(const site::Scores of_pooled, Score(pooled, fusion, test_));
    ASSIGN_OR_RETURN(concordance["pooled"], Concordance(of_pooled.risk));

    double sum = 0.0;
    for (const Cohort* cohort : apart) {
      ASSIGN_OR_RETURN(const Model alone, Train("network, one site", fusion, {cohort}, false));
      ASSIGN_OR_RETURN(const site::Scores of_alone, Score(alone, fusion, test_));
      ASSIGN_OR_RETURN(const double c, Concordance(of_alone.risk));
      sum += c;
    }
    concordance["local_mean"] = sum / static_cast<double>(apart.size());

    ASSIGN_OR_RETURN(const Model model, Train("linear, federated", linear, apart, true));
    ASSIGN_OR_RETURN(const site::Scores of_linear, Score(model, linear, test_));
    ASSIGN_OR_RETURN(concordance["linear"], Concordance(of_linear.risk));
    return {};
  }

  // What the federated network loses at test without each modality.
  Status AddAblation(const Model& federated, const Block& fusion) {
    for (const Block* modality : plan_.Modalities()) {
      std::vector<SiteCohort> cohorts = test_;
      for (SiteCohort& site : cohorts) TakeModality(plan_, *modality, site.cohort);
      ASSIGN_OR_RETURN(const site::Scores scores, Score(federated, fusion, cohorts));
      ASSIGN_OR_RETURN(report_["concordance"]["without"][modality->name], Concordance(scores.risk));
    }
    return {};
  }

  // Slope and Brier score of the federated network as it was trained and as it was recalibrated, beside Kaplan-Meier's
  // curve of those who trained. All on test patients, whom neither training nor recalibration has seen.
  Status AddCalibration(const Model& model, const site::Scores& scores, const Cohort& trained) {
    ASSIGN_OR_RETURN(const Tensor* cuts, model.Find(CutsName(endpoint_)));
    const std::vector<double> days = cuts->ToDoubles();
    std::vector<Outcome> training;
    for (const Sample& sample : trained.samples)
      if (sample.time_days > settings_.landmark_days)
        training.push_back({sample.time_days - settings_.landmark_days, sample.event});
    ASSIGN_OR_RETURN(const site::Scores as_trained, Score(WithoutRecalibration(model), *plan_.Fusion(), test_));
    ASSIGN_OR_RETURN(const CalibrationFigures before, CalibrationOf(outcomes_, as_trained, days, training));
    ASSIGN_OR_RETURN(const CalibrationFigures after, CalibrationOf(outcomes_, scores, days, training));
    report_["calibration_slope"] = {{"as_trained", before.slope}, {"recalibrated", after.slope}};
    report_["brier"] = {
        {"federated", before.brier}, {"recalibrated", after.brier}, {"kaplan_meier", before.kaplan_meier}};
    return {};
  }

  Status AddFrozen(const Model& model) {
    ASSIGN_OR_RETURN(const Tensor* trained, model.Find(ModalitiesName()));
    const auto modalities = plan_.Modalities();
    report_["frozen"] = Json::array();
    for (std::size_t m = 0; m < modalities.size(); ++m)
      if (trained->at(m) == 0.0) report_["frozen"].push_back(modalities[m]->name);
    return {};
  }

  const Plan plan_;
  const ExperimentSettings& settings_;
  const std::filesystem::path& scratch_;
  const std::function<void(const std::string&)>& say_;
  const std::function<bool()>& stopped_;
  const std::string endpoint_;
  const std::unique_ptr<VolumeSource> volumes_;
  PatientScorer scorer_;
  std::vector<SiteCohort> test_;
  std::vector<Outcome> outcomes_;  // of the test patients, from the landmark
  Json report_;
};

}  // namespace

Result<Json> RunExperiment(const Plan& plan, const ExperimentSettings& settings, const std::filesystem::path& scratch,
                           const std::function<void(const std::string&)>& say, const std::function<bool()>& stopped) {
  if (plan.Fusion() == nullptr) return Error{ErrorCode::kInvalidInput, "the plan trains no network"};
  return Experiment(plan, settings, scratch, say, stopped).Run();
}

}  // namespace fedtrial::sim
