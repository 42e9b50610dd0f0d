#include "tests/simulation/cohort/signal.h"

#include <cmath>

namespace fedtrial::sim {
namespace {

// Adds effect * (value - mean) and what that adds to the variance.
class LinearRisk {
 public:
  void Add(double effect, double value, double mean, double deviation) {
    sum_ += effect * (value - mean);
    variance_ += effect * effect * deviation * deviation;
  }
  void AddYesNo(double effect, bool value, double probability) {
    Add(effect, value ? 1.0 : 0.0, probability, std::sqrt(probability * (1.0 - probability)));
  }
  void AddChoice(double effect, double value, const std::vector<double>& values, const std::vector<double>& shares) {
    double mean = 0.0, square = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      mean += shares[i] * values[i];
      square += shares[i] * values[i] * values[i];
    }
    Add(effect, value, mean, std::sqrt(std::max(0.0, square - mean * mean)));
  }
  double Standardised() const { return variance_ > 0.0 ? sum_ / std::sqrt(variance_) : 0.0; }

 private:
  double sum_ = 0.0;
  double variance_ = 0.0;
};

double LogScore(double value, const Spread& spread) { return std::log(value / spread.median) / spread.log_deviation; }

double LinearPart(const CohortParameters& p, const Baseline& patient) {
  LinearRisk risk;
  const ClinicalParameters& c = p.clinical;
  risk.Add(c.effect_age, (patient.age - c.age.mean) / c.age.deviation, 0.0, 1.0);
  std::vector<double> tens(c.kps);
  for (double& kps : tens) kps /= 10.0;
  risk.AddChoice(c.effect_kps, patient.kps / 10.0, tens, c.kps_shares);
  risk.AddYesNo(c.effect_steroids, patient.dexamethasone_mg_d > 0.0, c.steroids);
  risk.AddChoice(c.effect_recurrence, patient.recurrences, {1.0, 2.0, 3.0}, c.recurrence_shares);
  risk.AddYesNo(c.effect_arm_b, patient.arm_b, 0.5);
  risk.AddYesNo(p.genetics.effect_idh_mutant, patient.idh_mutant, p.genetics.idh_mutant);
  risk.AddYesNo(p.genetics.effect_cdkn2a_deleted, patient.cdkn2a_deleted, p.genetics.cdkn2a_deleted);
  risk.Add(p.genetics.effect_mutations, LogScore(patient.mutations_per_mb, p.genetics.mutations_per_mb), 0.0, 1.0);
  risk.AddYesNo(p.mgmt.effect_methylated, patient.methylated, p.mgmt.methylated);
  risk.Add(p.pathology.effect_pdl1, LogScore(patient.pdl1_tps_pct, p.pathology.pdl1_tps_pct), 0.0, 1.0);
  for (std::size_t kind = 0; kind < kPanelKinds; ++kind)
    for (std::size_t i = 0; i < p.panels[kind].size(); ++i)
      risk.Add(p.panels[kind][i].effect, patient.analytes[kind][i], 0.0, 1.0);
  return risk.Standardised();
}

double ScoreOf(const CohortParameters& p, const Baseline& patient, PanelKind kind, std::string_view name) {
  const auto& analytes = p.panels[static_cast<std::size_t>(kind)];
  for (std::size_t i = 0; i < analytes.size(); ++i)
    if (analytes[i].name == name) return patient.analytes[static_cast<std::size_t>(kind)][i];
  return 0.0;
}

// Arm B's benefit: an even mixture of sign and a sum of three standard normals, so mean 0 and deviation 1.
double Interaction(const CohortParameters& p, const Baseline& patient) {
  const double age = (patient.age - p.clinical.age.mean) / p.clinical.age.deviation;
  const double cd8 = ScoreOf(p, patient, PanelKind::kImmune, "CD8");
  const double pdl1 = LogScore(patient.pdl1_tps_pct, p.pathology.pdl1_tps_pct);
  constexpr double kAge = 0.70, kCd8 = 0.51, kPdl1 = 0.50;  // squares add up to 1
  return (patient.arm_b ? 1.0 : -1.0) * (kAge * age - kCd8 * cd8 - kPdl1 * pdl1);
}

}  // namespace

double TrueRisk(const CohortParameters& parameters, Signal signal, const Baseline& patient) {
  const double linear = LinearPart(parameters, patient);
  const auto with = [&](double planted) {
    return kRiskDeviation * (std::sqrt(1.0 - kPlantedShare) * linear + std::sqrt(kPlantedShare) * planted);
  };
  switch (signal) {
    case Signal::kLinear:
      return kRiskDeviation * linear;
    case Signal::kInteraction:
      return with(Interaction(parameters, patient));
    case Signal::kMri:
      return with(patient.texture);
    case Signal::kSlope:
      return with(patient.slope);
    case Signal::kNone:
      return 0.0;
  }
  return 0.0;
}

}  // namespace fedtrial::sim
