#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/cohort/parameters.h"

namespace fedtrial::sim {

// What a site may lack, and a patient of it.
enum class Modality { kMri = 0, kCytokine, kImmune, kExosome, kGenetics, kPathology, kMgmt };
inline constexpr std::size_t kModalities = 7;
std::string_view ToString(Modality modality);      // "mri", "cytokine", "immune", "exosome", "genetics", "ihc", "mgmt"
using Modalities = std::array<bool, kModalities>;  // true: there

struct Variant {
  std::string gene;
  double vaf = 0.0;  // share of reads, 0 to 1
};

// At baseline, before anything is measured.
struct Baseline {
  bool arm_b = false;
  bool male = false;
  double age = 0.0;
  double kps = 0.0;
  unsigned recurrences = 1;
  std::string resection;
  double dexamethasone_mg_d = 0.0;
  bool idh_mutant = false, tert_mutant = false, egfr_amplified = false, chr7_gain_chr10_loss = false,
       cdkn2a_deleted = false;
  double mutations_per_mb = 0.0;
  std::vector<Variant> variants;
  bool methylated = false;
  double mgmt_pct = 0.0;
  double pdl1_tps_pct = 0.0;
  // Standard normal, between patients: of every analyte at baseline, of the slope of those that have one, and of the
  // look of the lesion's rim.
  std::array<std::vector<double>, kPanelKinds> analytes;
  double slope = 0.0;
  double texture = 0.0;
};

// What truly happened, known to nobody at a site. Days from the first fraction.
struct TrueCourse {
  std::optional<int> recurrence_day;
  std::optional<int> death_day;
  int withdrawal_day = 0;  // of leaving the trial, were it long enough
  int data_cut = 0;
};

struct Visit {
  int number = 0;  // 0 baseline; otherwise weeks / 8
  int day = 0;
  std::string Session() const;  // "BL", "W08", "W16", ...
};

// What the site knows of it. 0 <= last_negative_day < recurrence_day <= last_day <= data_cut.
struct KnownCourse {
  std::vector<Visit> visits;  // attended, by day; none after last_day, none on the day of death
  int last_negative_day = 0;
  std::optional<int> recurrence_day;
  std::string recurrence_basis;  // "RANO", "histology", "clinical"
  std::string recurrence_type;   // "local", "distant", "both"
  int last_day = 0;              // of death, or of the last contact
  bool died = false;
};

// The lesion at a visit, as the scan shows it.
struct LesionState {
  double enhancing_ml = 0.0;
  double radius_mm = 0.0;        // of the rim's outside, on average
  double core_share = 0.5;       // radius of the necrotic core / radius of the enhancing rim's outside
  double edema_share = 1.6;      // radius of the edema / the same
  double sum_product_mm2 = 0.0;  // of the two largest diameters
  bool recurred = false;         // true progression: core and edema grow with the rim
  bool pseudo = false;           // pseudo-progression: only the enhancement grows
  bool new_lesion = false;
  std::string rano;
  std::optional<int> confirm_day;
};

struct Patient {
  std::string id;  // "sub-SIM01001"
  Modalities has{};
  Baseline baseline;
  double risk = 0.0;  // of the planted effect; 0 with Signal::kNone
  TrueCourse truth;
  KnownCourse course;
  std::vector<LesionState> lesions;  // of each visit
};

}  // namespace fedtrial::sim
