#include "tests/simulation/program/patient_scores.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "proto/plan/layout.h"
#include "tests/simulation/program/plain_volumes.h"

namespace fedtrial::sim {

PatientScorer::PatientScorer(const Plan& plan) : plan_(plan), volumes_(OpenPlainVolumes(plan.imaging)) {}

Result<site::Scores> PatientScorer::Score(const Model& model, const std::vector<SiteCohort>& cohorts,
                                          const Replica& replica, const Block& block, std::string_view endpoint,
                                          std::optional<double> landmark_days) {
  ASSIGN_OR_RETURN(const Tensor* cuts, model.Find(CutsName(endpoint)));
  site::TaskContext context;
  context.volumes = volumes_.get();
  context.tokens = &tokens_;
  site::Scores all;
  all.logits.cols = cuts->size();
  for (const auto& [name, cohort, summary] : cohorts) {
    ASSIGN_OR_RETURN(const site::Scores scores, site::ScoreBlock({plan_, cohort, model, landmark_days}, context,
                                                                 replica, block, endpoint, cuts->size()));
    std::ranges::copy(scores.risk, std::back_inserter(all.risk));
    std::ranges::copy(scores.logits.values, std::back_inserter(all.logits.values));
    all.logits.rows += scores.logits.rows;
  }
  return all;
}

void TakeModality(const Plan& plan, const Block& modality, Cohort& cohort) {
  const std::vector<const Block*> panels = plan.Panels();
  const auto panel = static_cast<std::size_t>(std::ranges::find(panels, &modality) - panels.begin());
  for (Sample& sample : cohort.samples) {
    if (modality.kind == BlockKind::kMri) sample.volumes.clear();
    if (modality.kind == BlockKind::kStatic)
      for (const std::size_t feature : modality.features)
        sample.features[feature] = std::numeric_limits<double>::quiet_NaN();
    if (modality.kind == BlockKind::kPanel)
      std::erase_if(sample.panel_visits, [panel](const PanelVisit& visit) { return visit.panel == panel; });
  }
}

}  // namespace fedtrial::sim
