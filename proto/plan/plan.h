#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "model/params/manifest.h"

namespace fedtrial {

// The locked plan: plan.toml, read here alone, on every side. DESIGN.md, "The locked plan"; every entry with its unit
// and bound stands in deploy/config/plan.toml.

// kSurvival: one event. kIllnessDeath: recurrence, then death (model/samples Course); time and event are of the death.
enum class EndpointKind { kSurvival, kIllnessDeath };

struct Endpoint {
  std::string name;
  std::string time_column;   // "outcome.os_day", days
  std::string event_column;  // "outcome.os_event", 0 or 1
  std::vector<double> cuts;  // ends of the time bins in days, rising, > 0; empty: `grid` finds them
  EndpointKind kind = EndpointKind::kSurvival;
  std::string last_negative_column = {};     // kIllnessDeath: day of the last scan without recurrence
  std::string recurrence_column = {};        // kIllnessDeath: day of the first evidence of recurrence
  std::string recurrence_event_column = {};  // kIllnessDeath: 0 or 1
  std::vector<double> landmarks = {0.0};     // days >= 0, rising: a prediction reads what is dated up to one of them
};

struct CohortRules {
  std::uint64_t min_patients = 0;                          // of a site's cohort, for any contribution
  std::uint64_t min_cell = 0;                              // of a published count
  std::map<std::string, std::vector<std::string>> filter;  // column -> values kept
  std::string day_zero_column = {};                        // "rt.rt_start_date": each patient's date of day 0, for
                                                           // tables that have dates; empty: they all have days
};

enum class Transform { kNone, kLog1p };

// A number per patient, or of a long table (a row per patient, visit and analyte) a number per visit. Value =
// transform(raw in `unit`), clipped to `range` (of the transformed value), NaN where missing.
struct Feature {
  std::string name;
  std::string from;  // "participants.kps"; "cytokine[IL-6]" of a long table
  std::string unit;  // as in the data dictionary; "" where it has none. Of a long table: one of KnownUnits()
  Transform transform = Transform::kNone;
  double low = 0.0, high = 0.0;     // low < high
  std::vector<std::string> levels;  // for text: level i is the value i; empty for a number
  std::string analyte = {};         // of a long table: "IL-6"; else empty

  bool IsLong() const { return !analyte.empty(); }
  std::string Table() const;  // "participants", "cytokine"
};

// kLinear: straight to the risk. kStatic: one token a patient; kPanel: one a visit, of one long table; kMri: one a
// visit and sequence. kFusion: attention over all tokens. kHead: what is predicted from it.
enum class BlockKind { kLinear, kStatic, kPanel, kMri, kFusion, kHead };
std::string_view ToString(BlockKind kind);  // as the plan writes it
// Whether sites fill tokens of it: static, panel, mri.
bool IsModality(BlockKind kind);

// kLabel: the probability that a feature with values 0 to 1 is 1. kPseudoProgression: that the first scan that looked
// like progression showed none (model/samples Suspicion). kEmbedding: a place for retrieval and profiles.
enum class HeadTarget { kNone, kEndpoint, kLabel, kEmbedding, kPseudoProgression };

// Where the scans' ratings stand (a row per patient and scan), of kPseudoProgression.
struct RatedScans {
  std::string rating_column = {};   // "response.rano"
  std::string day_column = {};      // of the scan
  std::string confirm_column = {};  // day of the scan or histology that settled it
  double within_days = 0.0;         // a suspicion is looked for up to this day, > 0
};

struct Block {
  std::string name;  // [a-z0-9_]+
  BlockKind kind = BlockKind::kLinear;
  std::vector<std::size_t> features;  // indices into Plan::features; none of mri, fusion, head
  bool treatment = false;             // kStatic: the trial's arm (StaticShape::treatment)
  // Of a head alone.
  HeadTarget target = HeadTarget::kNone;
  std::string endpoint = {};                        // of kEndpoint
  std::size_t label = 0;                            // of kLabel: index into Plan::features
  std::optional<std::size_t> share = std::nullopt;  // of kLabel: the same as a percentage (MGMT), learnt beside it
  RatedScans scans = {};                            // of kPseudoProgression
  std::vector<std::string> hidden = {};  // modalities that it doesn't see: all that read label or share are here
};

// What the protocol gives every patient, for the sites' checks alone.
struct Protocol {
  std::optional<double> dose_gy = std::nullopt;  // of the whole radiotherapy
  std::optional<std::uint64_t> fractions = std::nullopt;
  std::map<std::string, std::string> drugs = {};  // arm -> the drug that this arm alone is given
};

enum class Preset { kTiny, kSmall, kBase };

// A model file beside the plan that the network starts from, in place of the plan's seed.
struct StartFile {
  std::string file;  // its name: the folder is the plan's
  Digest sha256{};
  std::vector<std::string> blocks = {};  // taken from it, each whole; empty: all of the network's that it has
};

// Of a plan with a fusion.
struct NetworkRules {
  Preset preset = Preset::kSmall;
  std::optional<unsigned> repeats = std::nullopt;  // of the folds: the network is in the first so many; none: in all
  std::optional<StartFile> start = std::nullopt;   // none: all of it is drawn from the plan's seed
};

// Of a plan with an mri block: what every site's imaging chain must be asked for.
struct ImagingRules {
  unsigned version = 1;                     // of the chain
  unsigned crop_mm = 96;                    // side of the cube around the lesion
  unsigned voxels = 64;                     // along a side of the cube as the network reads it
  double clip_low = 0.5, clip_high = 99.5;  // percentiles inside the brain mask
};

struct NormaliseStep {};

struct GridStep {
  std::string endpoint;          // the only one, where the plan has one
  unsigned bins = 10;            // wanted where the endpoint's cuts are open: at quantiles of the event times
  double width_days = 28.0;      // of the fine bins that the quantiles are read from
  double horizon_days = 3650.0;  // end of the fine bins
};

enum class LocalOptimizer { kSgd, kFedProx };
enum class ServerOptimizer { kFedAvg, kFedAvgM, kFedAdam, kFedYogi };

// A rate of r rounds in: rate / (1 + r / half); half 0: constant.
struct LocalSettings {
  LocalOptimizer optimizer = LocalOptimizer::kSgd;
  unsigned steps = 1;
  unsigned batch = 0;  // patients a step, drawn without replacement, reshuffled when used up; 0: all
  double rate = 0.1;
  double rate_half = 0.0;
  double ridge = 0.0;     // on the coefficients, not the intercepts: ridge / (2 n) |beta|^2 beside the mean loss,
                          // n = training patients of all sites (of `grid`'s counts)
  double proximal = 0.0;  // FedProx: mu / 2 |w - w_global|^2
};

struct ServerSettings {
  ServerOptimizer optimizer = ServerOptimizer::kFedAvg;
  double rate = 1.0;
  double momentum = 0.9;  // FedAvgM; beta1 of FedAdam and FedYogi
  double beta2 = 0.99;
  double tau = 1e-3;
};

// Local training of a network: passes over a site's patients. A rate of r rounds in: rate / (1 + r / rate_half).
struct NetworkLocalSettings {
  unsigned epochs = 1;
  unsigned batch = 0;          // patients a step; 0: all
  double rate = 1e-3;          // AdamW's, of everything but the two below
  double encoder_rate = 3e-4;  // of the volume encoder
  double linear_rate = 0.1;    // of plain steps on linear skips and intercepts
  double rate_half = 0.0;      // 0: constant
  double decay = 0.05;         // of weights
  double ridge = 0.0;          // on the linear skips, as LocalSettings::ridge
  double proximal = 0.0;       // FedProx
  double dropout = 0.2;        // inside the fusion
  double modality_dropout = 0.3, visit_dropout = 0.2;
};

// What of a network a step trains. kHeads: everything but the volume encoder, whose tokens are computed once; kEncoder:
// the volume encoder by itself, on masked volumes and without labels; kJoint: all of it at once.
enum class NetworkStage { kHeads, kEncoder, kJoint };

struct TrainStep {
  std::string block;  // the linear block that is trained, or the fusion: the network
  std::string endpoint;
  unsigned rounds = 1;
  LocalSettings local;                        // of a linear block
  NetworkLocalSettings network;               // of the fusion
  NetworkStage stage = NetworkStage::kHeads;  // of the fusion
  ServerSettings server;
  unsigned evaluate_every = 0;  // an `evaluate` round after so many rounds, and after the last; 0: never
};

struct EvaluateStep {
  std::string block;
  std::string endpoint;
  unsigned bootstrap = 200;  // replicate sums for the interval
};

struct RecalibrateStep {
  std::string block;  // a linear block, a head or the fusion: all its training lies before
  std::string endpoint;
  unsigned rounds = 6;  // one for the centres of the bins, then one a step of Newton's method
};

struct Step {
  std::string task;  // the name of the kind: normalise, grid, train, evaluate, recalibrate
  std::variant<NormaliseStep, GridStep, TrainStep, EvaluateStep, RecalibrateStep> settings;
};

// One phase of the round: open at least min_open even if min_sites have answered (so that a restarted site is waited
// for), until all have or max_open is over. In Hello min_open counts from the first answer, past max_open if need be.
struct PhaseRule {
  Duration min_open{0};
  Duration max_open{0};
};

enum class Phase : std::uint8_t { kHello = 0, kKeys, kShares, kMasked, kAgree, kUnmask, kCommit, kFailed };
inline constexpr std::size_t kSitePhases = 6;  // kHello to kUnmask: those that sites answer
std::string_view ToString(Phase phase);

struct Rules {
  std::uint32_t sites = 0;      // n: invited sites the caps are proven for; the roster may not hold more
  std::uint32_t min_sites = 3;  // >= 3, >= threshold
  std::uint32_t threshold = 3;  // t; default floor(2n/3)+1
  PhaseRule phases[kSitePhases];
  Duration retry_after{0};         // between a failed attempt and the next
  std::uint32_t spare_rounds = 3;  // lost rounds a site grants per step
};

struct EncodingRules {
  unsigned train_word_bits = 32;  // 32 or 64; statistics use 64
  double train_clip = 8.0;
  std::uint64_t patient_cap = 0;  // largest weight of one site
};

// Replicas of cross-validation: every trained tensor, constant and statistic once more per repeat and fold.
struct Folds {
  unsigned repeats = 0;  // 0: no cross-validation
  unsigned folds = 5;
  std::string column;  // "folds.repeat{}": the site's own column for repeat {}, values 1..folds; empty: dealt
                       // at the site, stratified by event, from the plan's seed and the patients' keys
};

struct Plan {
  std::string trial_id, title;
  std::uint64_t seed = 0;
  std::vector<Endpoint> endpoints;
  CohortRules cohort;
  Protocol protocol;
  std::vector<Feature> features;
  std::vector<Block> blocks;
  ScalarType precision = ScalarType::kFloat32;
  NetworkRules network;
  ImagingRules imaging;
  std::string split_column;  // a published train/test split ("split.split"); rows "test" are only evaluated; may be ""
  std::vector<Step> steps;
  Rules rules;
  EncodingRules encoding;
  Folds folds;

  Digest hash{};  // SHA-256 of the bytes of plan.toml

  const Endpoint* FindEndpoint(std::string_view name) const;
  const Block* FindBlock(std::string_view name) const;
  const Block* Fusion() const;                   // null: a plan of linear blocks alone
  std::vector<const Block*> Panels() const;      // in the plan's order, as Cohort::panels
  std::vector<const Block*> Modalities() const;  // static, panel and mri, in the plan's order
  const Block* PseudoProgression() const;        // the head that predicts it; null: none
};

// The graphs of masks above 100 sites are known up to here (security/masking/graph.h).
inline constexpr std::uint32_t kMaxSites = 5000;
// A block, feature or replica that fewer sites fill is one or two sites' data: never used.
inline constexpr std::uint64_t kMinContributors = 3;

// Every problem at once, each with file, line, column, key, what was got and the bound (kInvalidInput). Runs the range
// check: with the plan's caps no sum can overflow its words, or the plan is refused. `hash` is of exactly
// these bytes.
Result<Plan> ParsePlan(std::string_view toml, std::string_view file_name);

// --- replicas -----------------------------------------------------------------------------------------------------
// The full model ("" prefix, repeat 0) and then one per repeat and fold ("r03k2/"), in that order.
struct Replica {
  std::string prefix;
  unsigned repeat = 0, fold = 0;  // from 1; 0, 0 is the full model
  // Whether a patient trains in it: not a test row, and not in its fold.
  bool TrainsOn(const std::vector<int>& folds_of_patient, bool test_row) const {
    return !test_row &&
           (repeat == 0 || repeat > folds_of_patient.size() || folds_of_patient[repeat - 1] != static_cast<int>(fold));
  }
};
std::vector<Replica> Replicas(const Plan& plan);
// Those of a block: the first ones of all for a network that is in fewer repeats.
std::vector<Replica> Replicas(const Plan& plan, const Block& block);
unsigned RepeatsOf(const Plan& plan, const Block& block);

}  // namespace fedtrial
