#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fedtrial::sim {

// deploy/data/cohort_parameters.toml, where each value has its source, unit and meaning.

struct Spread {
  double median = 0.0, log_deviation = 0.0;
};
struct Bounds {
  double mean = 0.0, deviation = 0.0, low = 0.0, high = 0.0;
};

struct ClinicalParameters {
  double male = 0.0;
  Bounds age;
  std::vector<double> kps, kps_shares, recurrence_shares, resection_shares;
  std::vector<std::string> resection;
  double steroids = 0.0;
  Spread dexamethasone;
  double effect_age = 0.0, effect_kps = 0.0, effect_steroids = 0.0, effect_recurrence = 0.0, effect_arm_b = 0.0;
};

struct GeneticParameters {
  double idh_mutant = 0.0, tert_mutant = 0.0, egfr_amplified = 0.0, chr7_gain_chr10_loss = 0.0, cdkn2a_deleted = 0.0;
  Spread mutations_per_mb;
  std::vector<std::string> genes;
  std::vector<double> gene_shares;
  double effect_idh_mutant = 0.0, effect_cdkn2a_deleted = 0.0, effect_mutations = 0.0;
};

struct MgmtParameters {
  double methylated = 0.0;
  Bounds methylated_pct, unmethylated_pct;
  double cutoff_pct = 0.0;
  double effect_methylated = 0.0;
};

struct PathologyParameters {
  Spread pdl1_tps_pct;
  double effect_pdl1 = 0.0;
};

// Hazards per step of 4 weeks of a patient of risk 0.
struct CourseParameters {
  std::vector<double> ends_weeks, h01, h02;  // of each piece; the last one reaches the horizon
  double h12 = 0.0;
  double withdrawal = 0.0;
  std::array<double, 2> follow_up_weeks{};
};

struct ResponseParameters {
  double pseudo_progression = 0.0;
  Spread volume_ml;
  double missed_visit = 0.0;
};

struct ToxicityEvent {
  std::string term, soc;
  double arm_a = 0.0, arm_b = 0.0;
  std::vector<double> grades;  // shares of grade 1 to 4
  bool immune = false;
};
struct ToxicityParameters {
  double fatal = 0.0;
  std::vector<ToxicityEvent> events;
};

struct Analyte {
  std::string name, unit;
  double median = 0.0, spread = 0.0, noise = 0.0;
  double lod_low = 0.0, lod_high = 0.0;
  double after_rt = 0.0, progression = 0.0, slope = 0.0;
  double effect = 0.0;
};

struct SiteParameters {
  double size_spread = 0.0;
  unsigned smallest = 0;
  double kit_shift = 0.0, kit_scale = 0.0;
  double scanner_gamma = 0.0;
  std::array<double, 2> scanner_noise{};
  double patient_missing = 0.0;
};

// The panels that are measured at every visit, in this order.
enum class PanelKind { kCytokine = 0, kImmune, kExosome, kLabs };
inline constexpr std::size_t kPanelKinds = 4;
std::string_view ToString(PanelKind kind);  // as the table is called: "cytokine", ...

struct CohortParameters {
  ClinicalParameters clinical;
  GeneticParameters genetics;
  MgmtParameters mgmt;
  PathologyParameters pathology;
  CourseParameters course;
  ResponseParameters response;
  ToxicityParameters toxicity;
  std::array<std::vector<Analyte>, kPanelKinds> panels;
  SiteParameters sites;
};

// kInvalidInput with every problem; a table without a source is one.
Result<CohortParameters> ParseCohortParameters(std::string_view toml, std::string_view file_name);
// Those that the program carries with it.
Result<CohortParameters> PublishedCohortParameters();
// The text of deploy/data/cohort_parameters.toml, put in by CMake.
extern const char* const kCohortParametersToml;

}  // namespace fedtrial::sim
