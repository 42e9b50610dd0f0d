#include "tests/simulation/program/network_comparison.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <string>

#include "proto/plan/network.h"
#include "tests/simulation/program/patient_scores.h"
#include "tests/simulation/program/plain_trial.h"
#include "tests/simulation/program/plain_volumes.h"

namespace fedtrial::sim {
namespace {

const TrainStep* FindStep(const Plan& plan, BlockKind kind, std::string_view endpoint) {
  const TrainStep* found = nullptr;
  for (const Step& step : plan.steps) {
    const auto* train = std::get_if<TrainStep>(&step.settings);
    const Block* block = train == nullptr ? nullptr : plan.FindBlock(train->block);
    if (block != nullptr && block->kind == kind && (endpoint.empty() || train->endpoint == endpoint)) found = train;
  }
  return found;
}

class NetworkScoring {
 public:
  NetworkScoring(const Plan& plan, const TrainStep& step, const std::vector<SiteCohort>& cohorts,
                 const Patients& patients, const ComparisonOptions& options)
      : plan_(plan),
        step_(step),
        linear_(FindStep(plan, BlockKind::kLinear, step.endpoint)),
        fusion_(*plan.Fusion()),
        cohorts_(cohorts),
        patients_(patients),
        options_(options),
        volumes_(OpenPlainVolumes(plan.imaging)),
        scorer_(plan) {}

  Result<NetworkComparison> Run(const Model& federated) {
    models_["federated"] = &federated;
    RETURN_IF_ERROR(TrainOthers());
    NetworkComparison comparison;
    const std::vector<Replica> replicas = Replicas(plan_, fusion_);
    const unsigned repeats = RepeatsOf(plan_, fusion_);
    Scoreboard board(patients_, options_.bootstrap, options_.seed);
    std::vector<std::pair<Rows, Scores>> test_sets;
    for (const Replica& replica : replicas) {
      ASSIGN_OR_RETURN(Scores scores, ScoreAll(replica));
      if (replica.repeat == 0) {
        ASSIGN_OR_RETURN(comparison.outside, ScoreOutside(scores));
        continue;
      }
      test_sets.emplace_back(HeldBackRows(patients_, replica), std::move(scores));
      if (replica.fold < plan_.folds.folds) continue;
      RETURN_IF_ERROR(board.AddRepeat(test_sets, 1.0 / repeats));
      test_sets.clear();
    }
    if (repeats > 0) {
      ASSIGN_OR_RETURN(comparison.cross_validated, board.Finish());
    }
    return comparison;
  }

 private:
  bool Inside(const SiteCohort& site) const { return site.summary.patients >= plan_.cohort.min_patients; }

  Status TrainOthers() {
    Cohort all;
    for (const SiteCohort& site : cohorts_) {
      if (!Inside(site)) continue;
      all.feature_names = site.cohort.feature_names;
      all.panels = site.cohort.panels;
      all.samples.insert(all.samples.end(), site.cohort.samples.begin(), site.cohort.samples.end());
    }
    RETURN_IF_ERROR(Train("pooled", all));
    for (const SiteCohort& site : cohorts_)
      if (Inside(site)) RETURN_IF_ERROR(Train("local/" + site.name, site.cohort));
    return {};
  }

  Status Train(const std::string& name, const Cohort& cohort) {
    const std::size_t of = 1 + static_cast<std::size_t>(std::ranges::count_if(
                                   cohorts_, [this](const SiteCohort& site) { return Inside(site); }));
    PlainOptions options;
    options.volumes = volumes_.get();
    options.start = options_.start;
    if (options_.progress)
      options.progress = [this, of](std::size_t done, std::size_t rounds) {
        options_.progress(trained_.size() * rounds + done, of * rounds);
      };
    auto model = TrainPlainly(plan_, fusion_, {&cohort}, options);
    if (!model.ok()) return model.error().In(name);
    models_[name] = &trained_.emplace(name, std::move(*model)).first->second;
    return {};
  }

  // Every patient by every model's replica.
  Result<Scores> ScoreAll(const Replica& replica) {
    Scores scores;
    const Model& federated = *models_.at("federated");
    for (const Block* modality : plan_.Modalities()) {
      std::vector<SiteCohort> cohorts = cohorts_;
      for (SiteCohort& site : cohorts) TakeModality(plan_, *modality, site.cohort);
      ASSIGN_OR_RETURN(scores["without/" + modality->name], RiskBy(federated, cohorts, replica, fusion_));
    }
    for (const auto& [name, model] : models_) {
      ASSIGN_OR_RETURN(scores[name], RiskBy(*model, cohorts_, replica, fusion_));
    }
    if (linear_ != nullptr) {
      ASSIGN_OR_RETURN(scores["linear"], RiskBy(federated, cohorts_, replica, *plan_.FindBlock(linear_->block)));
    }
    return scores;
  }

  Result<std::vector<double>> RiskBy(const Model& model, const std::vector<SiteCohort>& cohorts, const Replica& replica,
                                     const Block& block) {
    ASSIGN_OR_RETURN(site::Scores scores, scorer_.Score(model, cohorts, replica, block, step_.endpoint));
    return std::move(scores.risk);
  }

  Result<std::optional<Figures>> ScoreOutside(const Scores& scores) const {
    Rows outside;
    for (std::size_t i = 0; i < patients_.size(); ++i)
      if (!patients_.inside[i]) outside.push_back(i);
    Scoreboard board(patients_, options_.bootstrap, options_.seed);
    if (outside.size() < 2 || !board.AddRepeat({{outside, scores}}, 1.0).ok()) return std::optional<Figures>();
    ASSIGN_OR_RETURN(Figures figures, board.Finish());
    return std::optional<Figures>(std::move(figures));
  }

  const Plan& plan_;
  const TrainStep& step_;
  const TrainStep* linear_;
  const Block& fusion_;
  const std::vector<SiteCohort>& cohorts_;
  const Patients& patients_;
  const ComparisonOptions& options_;
  const std::unique_ptr<VolumeSource> volumes_;
  PatientScorer scorer_;
  std::map<std::string, Model> trained_;
  std::map<std::string, const Model*> models_;
};

}  // namespace

Result<std::optional<NetworkComparison>> CompareNetwork(const Plan& plan, const Model& federated,
                                                        const std::vector<SiteCohort>& cohorts,
                                                        const Patients& patients, const ComparisonOptions& options) {
  const TrainStep* step = FindStep(plan, BlockKind::kFusion, "");
  if (step == nullptr) return std::optional<NetworkComparison>();
  ASSIGN_OR_RETURN(NetworkComparison comparison,
                   NetworkScoring(plan, *step, cohorts, patients, options).Run(federated));
  return std::optional<NetworkComparison>(std::move(comparison));
}

}  // namespace fedtrial::sim
