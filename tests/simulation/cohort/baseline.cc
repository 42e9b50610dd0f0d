#include "tests/simulation/cohort/baseline.h"

#include <algorithm>
#include <fmt/format.h>

namespace fedtrial::sim {
namespace {

void DrawClinical(const ClinicalParameters& p, Baseline& patient, Draws& draws) {
  patient.male = draws.Happens(p.male);
  patient.age = draws.Bounded(p.age.mean, p.age.deviation, p.age.low, p.age.high);
  patient.kps = p.kps[draws.Choice(p.kps_shares)];
  patient.recurrences = static_cast<unsigned>(1 + draws.Choice(p.recurrence_shares));
  patient.resection = p.resection[draws.Choice(p.resection_shares)];
  if (draws.Happens(p.steroids))
    patient.dexamethasone_mg_d =
        std::clamp(draws.LogNormal(p.dexamethasone.median, p.dexamethasone.log_deviation), 0.5, 24.0);
}

void DrawTumour(const CohortParameters& p, Baseline& patient, Draws& draws) {
  const GeneticParameters& g = p.genetics;
  patient.idh_mutant = draws.Happens(g.idh_mutant);
  patient.tert_mutant = draws.Happens(g.tert_mutant);
  patient.egfr_amplified = draws.Happens(g.egfr_amplified);
  patient.chr7_gain_chr10_loss = draws.Happens(g.chr7_gain_chr10_loss);
  patient.cdkn2a_deleted = draws.Happens(g.cdkn2a_deleted);
  patient.mutations_per_mb = draws.LogNormal(g.mutations_per_mb.median, g.mutations_per_mb.log_deviation);
  for (std::size_t i = 0; i < g.genes.size(); ++i)
    if (draws.Happens(g.gene_shares[i])) patient.variants.push_back({g.genes[i], draws.Uniform(0.08, 0.65)});
  patient.methylated = draws.Happens(p.mgmt.methylated);
  const Bounds& pct = patient.methylated ? p.mgmt.methylated_pct : p.mgmt.unmethylated_pct;
  patient.mgmt_pct = draws.Bounded(pct.mean, pct.deviation, pct.low, pct.high);
  const Spread& tps = p.pathology.pdl1_tps_pct;
  patient.pdl1_tps_pct = std::min(100.0, draws.LogNormal(tps.median, tps.log_deviation));
}

}  // namespace

std::string_view ToString(Modality modality) {
  switch (modality) {
    case Modality::kMri:
      return "mri";
    case Modality::kCytokine:
      return "cytokine";
    case Modality::kImmune:
      return "immune";
    case Modality::kExosome:
      return "exosome";
    case Modality::kGenetics:
      return "genetics";
    case Modality::kPathology:
      return "ihc";
    case Modality::kMgmt:
      return "mgmt";
  }
  return "";
}

std::string Visit::Session() const { return number == 0 ? "BL" : fmt::format("W{:02}", 8 * number); }

Baseline DrawBaseline(const CohortParameters& parameters, bool arm_b, Draws& draws) {
  Baseline patient;
  patient.arm_b = arm_b;
  DrawClinical(parameters.clinical, patient, draws);
  DrawTumour(parameters, patient, draws);
  for (std::size_t kind = 0; kind < kPanelKinds; ++kind)
    for (std::size_t i = 0; i < parameters.panels[kind].size(); ++i) patient.analytes[kind].push_back(draws.Normal());
  patient.slope = draws.Normal();
  patient.texture = draws.Normal();
  return patient;
}

}  // namespace fedtrial::sim
