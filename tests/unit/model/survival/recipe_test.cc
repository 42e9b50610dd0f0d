// The discrete-time recipe on two real multicentre trials, by plain loops over the sites, against their reference.json.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "gtest/gtest.h"
#include "model/survival/bootstrap.h"
#include "model/survival/brier.h"
#include "model/survival/concordance.h"
#include "model/survival/cox.h"
#include "model/survival/discrete_hazard.h"
#include "model/survival/kaplan_meier.h"
#include "model/survival/scaling.h"
#include "reference_data.h"

namespace fedtrial {
namespace {

using nlohmann::json;
using Rows = std::vector<std::size_t>;

constexpr double kRounded = 1e-4;  // the figures of reference.json have four decimals

struct TrialFiles {
  std::string folder;
  std::string table;
  std::string site_column;
};
void PrintTo(const TrialFiles& files, std::ostream* out) { *out << files.folder; }

struct Fit {
  HazardModel model;
  std::vector<double> lp;  // of every patient of the table
};

class Recipe : public ::testing::TestWithParam<TrialFiles> {
 protected:
  void SetUp() override {
    const auto folder = FindFolder(GetParam().folder, "reference.json");
    ASSERT_FALSE(folder.empty()) << GetParam().folder << " is shipped, but isn't there";
    reference_ = ReadJson(folder / "reference.json");
    const json& recipe = reference_["recipe"];
    table_ = Table::Read(folder / GetParam().table);
    raw_ = ColumnsOf(table_, recipe["covariates"].get<std::vector<std::string>>());
    outcomes_ = OutcomesOf(table_);
    theta_ = recipe["theta"].get<double>();
    folds_ = recipe["folds"].get<std::size_t>();
    std::vector<double> cuts;
    for (const json& weeks : recipe["cuts_weeks"]) cuts.push_back(7.0 * weeks.get<double>());
    grid_ = *Grid::FromCuts(cuts);
    places_ = grid_->PlacesOf(outcomes_);
    for (std::size_t i = 0; i < table_.rows; ++i) {
      const std::string& site = table_.Text(GetParam().site_column)[i];
      if (reference_["design"]["sites"].contains(site)) sites_[site].push_back(i), inside_.push_back(i);
      if (reference_["design"]["external_institutions"].contains(site)) outside_.push_back(i);
    }
    site_of_.assign(table_.rows, sites_.size());
    for (auto site = sites_.begin(); site != sites_.end(); ++site)
      for (const std::size_t i : site->second)
        site_of_[i] = static_cast<std::size_t>(std::distance(sites_.begin(), site));
    ReadFolds(Table::Read(folder / "folds.csv"), recipe["repeats"].get<std::size_t>());
  }

  void ReadFolds(const Table& folds, std::size_t repeats) {
    std::map<std::string, std::size_t> row_of;
    for (std::size_t i = 0; i < table_.rows; ++i) row_of[table_.Text("patient")[i]] = i;
    for (std::size_t r = 1; r <= repeats; ++r) {
      const std::vector<double> column = folds.Numbers("repeat" + std::to_string(r));
      fold_.emplace_back(table_.rows);
      for (std::size_t i = 0; i < folds.rows; ++i)
        fold_.back()[row_of.at(folds.Text("patient")[i])] = static_cast<std::size_t>(column[i]);
    }
  }

  HazardData DataOf(const Matrix& x, const Rows& rows) const { return {Pick(x, rows), Pick(places_, rows)}; }
  Rows Intersection(const Rows& a, const Rows& b) const {
    Rows out;
    std::ranges::set_intersection(a, b, std::back_inserter(out));
    return out;
  }
  HazardModel Start(const Rows& rows) const {
    return {StartIntercepts(CountBins(Pick(places_, rows), grid_->bins())), std::vector<double>(raw_.cols)};
  }
  Matrix ScaledBy(const Rows& rows) const { return *Scaled(raw_, *FitScaling(raw_, rows)); }

  // Rounds of local gradient steps, averaged by numbers of patients; one site alone is the local recipe.
  HazardModel FederatedAverage(const Matrix& x, const std::vector<Rows>& sites, HazardModel model, double l2) const {
    std::vector<HazardData> data;
    double patients = 0.0;
    for (const Rows& rows : sites) {
      data.push_back(DataOf(x, rows));
      patients += static_cast<double>(rows.size());
    }
    for (int round = 0; round < 30; ++round) {
      HazardModel next = model;
      for (const HazardData& site : data) {
        const HazardModel local = GradientSteps(site, model, {0.3 / (1.0 + round / 5.0), l2, 5});
        const double share = static_cast<double>(site.places.size()) / patients;
        for (std::size_t k = 0; k < next.intercepts.size(); ++k)
          next.intercepts[k] += share * (local.intercepts[k] - model.intercepts[k]);
        for (std::size_t j = 0; j < next.beta.size(); ++j) next.beta[j] += share * (local.beta[j] - model.beta[j]);
      }
      model = next;
    }
    return model;
  }

  std::vector<Rows> SitesWithin(const Rows& rows) const {
    std::vector<Rows> out;
    for (const auto& [name, members] : sites_) out.push_back(Intersection(members, rows));
    return out;
  }
  Fit Federated(const Rows& rows) const {
    const Matrix x = ScaledBy(rows);
    const double l2 = theta_ / static_cast<double>(rows.size());
    HazardModel model = FederatedAverage(x, SitesWithin(rows), Start(rows), l2);
    return {model, LinearPredictor(x, model.beta)};
  }
  Fit Pooled(const Rows& rows) const {
    const Matrix x = ScaledBy(rows);
    auto model = FitHazards(DataOf(x, rows), Start(rows), theta_);
    EXPECT_TRUE(model.ok()) << model.error().message;
    return {*model, LinearPredictor(x, model->beta)};
  }
  Fit Cox(const Rows& rows) const {
    const Matrix x = ScaledBy(rows);
    std::vector<CoxStratum> strata;
    for (const Rows& site : SitesWithin(rows)) strata.push_back({Pick(x, site), Pick(outcomes_, site)});
    auto fit = FitCox(strata, {.ridge = theta_});
    EXPECT_TRUE(fit.ok()) << fit.error().message;
    return {{{}, fit->beta}, LinearPredictor(x, fit->beta)};
  }
  std::vector<Fit> Local(const Rows& rows) const {
    std::vector<Fit> fits;
    for (const Rows& site : SitesWithin(rows)) {
      const Matrix x = ScaledBy(site);
      const double l2 = theta_ / static_cast<double>(rows.size());
      HazardModel model = FederatedAverage(x, {site}, Start(site), l2);
      fits.push_back({model, LinearPredictor(x, model.beta)});
    }
    return fits;
  }

  void ExpectModel(const Fit& fit, const std::string& name, double tolerance) const {
    const json& wanted = reference_["models"][name];
    for (std::size_t j = 0; j < fit.model.beta.size(); ++j)
      EXPECT_NEAR(fit.model.beta[j], wanted["beta"][j].get<double>(), tolerance) << name << " beta " << j;
    for (std::size_t k = 0; k < fit.model.intercepts.size(); ++k)
      EXPECT_NEAR(fit.model.intercepts[k], wanted["intercepts"][k].get<double>(), tolerance) << name << " bin " << k;
    for (const std::size_t i : outside_)
      EXPECT_NEAR(fit.lp[i], reference_["external_linear_predictor"][name][table_.Text("patient")[i]].get<double>(),
                  10.0 * tolerance + 1e-8)
          << name << " row " << i;
    const auto c = ConcordanceOf(*CountPairs(Pick(outcomes_, outside_), Pick(fit.lp, outside_)));
    EXPECT_NEAR(c->c, reference_["external"][name]["c"].get<double>(), kRounded) << name;
  }

  json reference_;
  Table table_;
  Matrix raw_;
  std::vector<Outcome> outcomes_;
  std::optional<Grid> grid_;
  std::vector<GridPlace> places_;
  std::map<std::string, Rows> sites_;
  std::vector<std::size_t> site_of_;  // place in sites_; outside them the number of sites
  Rows inside_;
  Rows outside_;
  std::vector<Rows> fold_;  // per repeat: the fold of each patient, 0 outside the sites
  double theta_ = 0.0;
  std::size_t folds_ = 0;
};

TEST_P(Recipe, ScalingAndBinsAreThoseOfTheReference) {
  const auto scaling = FitScaling(raw_, inside_);
  ASSERT_TRUE(scaling.ok());
  EXPECT_TRUE(Agrees(scaling->mean, reference_["models"]["fedavg"]["mean"]));
  EXPECT_TRUE(Agrees(scaling->deviation, reference_["models"]["fedavg"]["sd"]));
  const BinCounts counts = CountBins(Pick(places_, inside_), grid_->bins());
  EXPECT_TRUE(Agrees(counts.at_risk, reference_["bins"]["at_risk"]));
  EXPECT_TRUE(Agrees(counts.events, reference_["bins"]["events"]));
}

TEST_P(Recipe, FederatedAveragingGivesTheCoefficientsTo1e8) { ExpectModel(Federated(inside_), "fedavg", 1e-8); }
TEST_P(Recipe, PooledNewtonGivesTheCoefficientsTo1e6) { ExpectModel(Pooled(inside_), "pooled", 1e-6); }
TEST_P(Recipe, SiteStratifiedCoxGivesTheCoefficientsTo1e6) { ExpectModel(Cox(inside_), "cox_site_stratified", 1e-6); }

void ExpectSummary(const std::vector<double>& values, const json& wanted) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  EXPECT_NEAR(mean, wanted["mean"].get<double>(), kRounded);
  EXPECT_NEAR(std::sqrt(squares / (n - 1.0)), wanted["sd"].get<double>(), kRounded);
  EXPECT_NEAR(std::ranges::min(values), wanted["worst"].get<double>(), kRounded);
  EXPECT_NEAR(std::ranges::max(values), wanted["best"].get<double>(), kRounded);
}

// Pairs of the patients of one test fold, and pairs within a site with each patient scored out of fold.
enum Pairs : std::size_t { kAcross, kWithin };
using PairsOfBoth = std::array<PairMatrix, 2>;

struct CrossValidation {
  explicit CrossValidation(std::size_t patients) : pairs{PairMatrix(patients), PairMatrix(patients)} {}
  std::array<std::vector<double>, 2> per_repeat;  // concordance
  PairsOfBoth pairs;                              // concordant, of all repeats, for the bootstrap
};

class CrossValidated : public Recipe {
 protected:
  const std::vector<std::string> kMethods{"fedavg", "pooled", "cox_site_stratified", "local_same_recipe"};

  void SetUp() override {
    Recipe::SetUp();
    if (IsSkipped()) return;
    comparable_ = PairsOfBoth{PairMatrix(table_.rows), PairMatrix(table_.rows)};
    cv_.assign(kMethods.size(), CrossValidation(table_.rows));
    for (const Rows& fold : fold_) AddRepeat(fold);
  }

  // Local models: each site's scores everyone across sites, and its own patients within.
  std::vector<std::vector<Fit>> FitAll(const Rows& train) const {
    return {{Federated(train)}, {Pooled(train)}, {Cox(train)}, Local(train)};
  }

  void AddRepeat(const Rows& fold) {
    PairMatrix all(table_.rows);
    std::vector<PairMatrix> across(kMethods.size(), PairMatrix(table_.rows));
    std::vector<std::vector<double>> out_of_fold(kMethods.size(), std::vector<double>(table_.rows));
    for (std::size_t k = 1; k <= folds_; ++k) {
      Rows train;
      Rows test;
      for (const std::size_t i : inside_) (fold[i] == k ? test : train).push_back(i);
      ASSERT_TRUE(all.AddComparable(test, outcomes_, 1.0).ok());
      ASSERT_TRUE(comparable_[kAcross].AddComparable(test, outcomes_, 1.0).ok());
      const std::vector<std::vector<Fit>> fits = FitAll(train);
      for (std::size_t m = 0; m < kMethods.size(); ++m) {
        const double share = 1.0 / static_cast<double>(fits[m].size());
        for (const Fit& fit : fits[m])
          for (PairMatrix* pairs : {&across[m], &cv_[m].pairs[kAcross]})
            ASSERT_TRUE(pairs->AddConcordant(test, outcomes_, fit.lp, share).ok());
        for (const std::size_t i : test) out_of_fold[m][i] = fits[m][site_of_[i] % fits[m].size()].lp[i];
      }
    }
    for (std::size_t m = 0; m < kMethods.size(); ++m) {
      cv_[m].per_repeat[kAcross].push_back(across[m].Sum() / all.Sum());
      AddWithin(out_of_fold[m], cv_[m]);
    }
    for (const auto& [name, members] : sites_)
      ASSERT_TRUE(comparable_[kWithin].AddComparable(members, outcomes_, 1.0).ok());
  }

  void AddWithin(const std::vector<double>& out_of_fold, CrossValidation& cv) const {
    PairCounts counts;
    for (const auto& [name, members] : sites_) {
      counts += *CountPairs(Pick(outcomes_, members), Pick(out_of_fold, members));
      ASSERT_TRUE(cv.pairs[kWithin].AddConcordant(members, outcomes_, out_of_fold, 1.0).ok());
    }
    cv.per_repeat[kWithin].push_back(ConcordanceOf(counts)->c);
  }

  // Other draws than the reference's 2,000, whose ends have a standard error of 0.002.
  static void ExpectInterval(const std::vector<double>& values, const json& wanted) {
    const Interval interval = PercentileInterval(values);
    EXPECT_NEAR(interval.low, wanted["interval"][0].get<double>(), 0.008);
    EXPECT_NEAR(interval.high, wanted["interval"][1].get<double>(), 0.008);
  }

  PairsOfBoth comparable_{PairMatrix(0), PairMatrix(0)};
  std::vector<CrossValidation> cv_;
};

TEST_P(CrossValidated, ConcordancesAndTheirIntervalsAreThoseOfTheReference) {
  const Resamples resamples = Resamples::Draw(site_of_, 2000, 42);
  std::vector<double> gain;  // of federated over local, across sites
  for (const Pairs kind : {kAcross, kWithin}) {
    const char* const key = kind == kAcross ? "across_sites" : "within_sites";
    const std::vector<double> denominators = resamples.QuadraticForm(comparable_[kind]);
    for (std::size_t m = 0; m < kMethods.size(); ++m) {
      SCOPED_TRACE(kMethods[m] + " " + key);
      const json& wanted = reference_["cross_validated"][kMethods[m]][key];
      ExpectSummary(cv_[m].per_repeat[kind], wanted);
      const auto c = Ratios(resamples.QuadraticForm(cv_[m].pairs[kind]), denominators);
      ASSERT_TRUE(c.ok()) << c.error().message;
      ExpectInterval(*c, wanted);
      if (kind == kAcross && m == 0) gain = *c;
      if (kind == kAcross && kMethods[m] == "local_same_recipe")
        for (std::size_t b = 0; b < gain.size(); ++b) gain[b] -= (*c)[b];
    }
  }
  ExpectInterval(gain, reference_["cross_validated_differences"]["across_sites"]["fedavg - local_same_recipe"]);
}

TEST_P(Recipe, SurvivalOfTheOutsidePatientsIsPredictedAsInTheReference) {
  const std::vector<Outcome> outcomes = Pick(outcomes_, outside_);
  std::vector<Outcome> censoring = outcomes;
  for (Outcome& outcome : censoring) outcome.event = !outcome.event;
  const auto g = KaplanMeier::Of(censoring);  // the reference leaves the events of a tied time at risk
  for (const auto& [name, fit] : {std::pair{"fedavg", Federated(inside_)}, std::pair{"pooled", Pooled(inside_)}})
    for (const auto& [horizon, wanted] : reference_["external_calibration"].items()) {
      SCOPED_TRACE(std::string(name) + " " + horizon);
      const double day = 7.0 * std::stod(horizon);
      std::vector<double> survival;
      for (const std::size_t i : outside_) survival.push_back(SurvivalAt(*grid_, fit.model.intercepts, fit.lp[i], day));
      const double mean = std::accumulate(survival.begin(), survival.end(), 0.0) / static_cast<double>(survival.size());
      EXPECT_NEAR(mean, wanted[name]["mean_predicted"].get<double>(), kRounded);
      EXPECT_NEAR(*BrierScore(outcomes, survival, day, g->curve()), wanted[name]["brier"].get<double>(), kRounded);
      EXPECT_NEAR(KaplanMeier::Of(outcomes)->curve().At(day), wanted["observed_kaplan_meier_external"].get<double>(),
                  kRounded);
    }
}

const auto kTrials = ::testing::Values(TrialFiles{"ncctg_lung", "lung.csv", "inst"},
                                       TrialFiles{"glioma_hospitals", "gbm.csv", "hospital"});
std::string NameOf(const ::testing::TestParamInfo<TrialFiles>& info) { return info.param.folder; }
INSTANTIATE_TEST_SUITE_P(Trials, Recipe, kTrials, NameOf);
INSTANTIATE_TEST_SUITE_P(Trials, CrossValidated, kTrials, NameOf);

}  // namespace
}  // namespace fedtrial
