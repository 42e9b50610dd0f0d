// Every figure against R's survival package: see README.md in the folder of the reference.
#include <algorithm>
#include <cmath>
#include <map>

#include "gtest/gtest.h"
#include "model/survival/auc.h"
#include "model/survival/brier.h"
#include "model/survival/calibration.h"
#include "model/survival/concordance.h"
#include "model/survival/cox.h"
#include "model/survival/kaplan_meier.h"
#include "model/survival/log_rank.h"
#include "reference_data.h"

namespace fedtrial {
namespace {

using nlohmann::json;

class RReference : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto folder = FindFolder("survival", GetParam() + ".json");
    ASSERT_FALSE(folder.empty()) << GetParam() << " is shipped, but isn't there";
    table_ = Table::Read(folder / (GetParam() + ".csv"));
    reference_ = ReadJson(folder / (GetParam() + ".json"));
    outcomes_ = OutcomesOf(table_);
    x_ = ColumnsOf(table_, reference_["covariates"].get<std::vector<std::string>>());
    for (const json& group : reference_["groups"]) group_names_.push_back(group.dump());
    if (!reference_["sites"].is_null()) sites_ = reference_["sites"].get<std::vector<std::string>>();
  }

  std::vector<std::size_t> RowsWhere(const std::string& column, const std::string& value) const {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < table_.rows; ++i)
      if (table_.Text(column)[i] == value) rows.push_back(i);
    return rows;
  }
  std::vector<std::size_t> Groups() const {
    std::vector<std::size_t> out;
    for (const std::string& name : table_.Text("group"))
      out.push_back(static_cast<std::size_t>(std::ranges::find(group_names_, name) - group_names_.begin()));
    return out;
  }
  // The outcomes of `overall` ("all"), or of each group, as `curves` and `rmst` name them.
  std::map<std::string, std::vector<Outcome>> Parts(bool by_group) const {
    if (!by_group) return {{"all", outcomes_}};
    std::map<std::string, std::vector<Outcome>> out;
    for (const std::string& name : group_names_) out[name] = Pick(outcomes_, RowsWhere("group", name));
    return out;
  }
  std::vector<CoxStratum> Strata(bool by_site) const {
    if (!by_site) return {{x_, outcomes_}};
    std::vector<CoxStratum> out;
    for (const std::string& site : sites_)
      out.push_back({Pick(x_, RowsWhere("site", site)), Pick(outcomes_, RowsWhere("site", site))});
    return out;
  }
  std::vector<double> Risk() const { return reference_["predictions"]["lp"].get<std::vector<double>>(); }

  Table table_;
  json reference_;
  std::vector<Outcome> outcomes_;
  Matrix x_;
  std::vector<std::string> group_names_;
  std::vector<std::string> sites_;
};

template <typename Get>
std::vector<double> Column(const KaplanMeier& km, Get get) {
  std::vector<double> out;
  for (const KaplanMeierStep& step : km.steps()) out.push_back(get(step));
  return out;
}

void ExpectLimits(const KaplanMeier& km, LimitKind kind, const json& wanted) {
  EXPECT_TRUE(Agrees(Column(km, [&](const auto& step) { return LimitsOf(step, kind).lower; }), wanted["lower"]));
  EXPECT_TRUE(Agrees(Column(km, [&](const auto& step) { return LimitsOf(step, kind).upper; }), wanted["upper"]));
  const MedianSurvival median = km.Median(kind);
  EXPECT_TRUE(Agrees(median.estimate, wanted["median"]["quantile"]));
  EXPECT_TRUE(Agrees(median.lower, wanted["median"]["lower"]));
  EXPECT_TRUE(Agrees(median.upper, wanted["median"]["upper"]));
}

TEST_P(RReference, KaplanMeierCurvesAgree) {
  for (const std::string part : {"overall", "by_group"})
    for (const auto& [name, outcomes] : Parts(part == "by_group")) {
      SCOPED_TRACE(part + " " + name);
      const json& wanted = reference_["kaplan_meier"][part]["curves"][name];
      const auto km = KaplanMeier::Of(outcomes);
      ASSERT_TRUE(km.ok()) << km.error().message;
      EXPECT_TRUE(Agrees(Column(*km, [](const auto& step) { return step.counts.time; }), wanted["time"]));
      EXPECT_TRUE(Agrees(Column(*km, [](const auto& step) { return step.counts.at_risk; }), wanted["n.risk"]));
      EXPECT_TRUE(Agrees(Column(*km, [](const auto& step) { return step.counts.events; }), wanted["n.event"]));
      EXPECT_TRUE(Agrees(Column(*km, [](const auto& step) { return step.counts.censored; }), wanted["n.censor"]));
      EXPECT_TRUE(Agrees(Column(*km, [](const auto& step) { return step.survival; }), wanted["surv"]));
      EXPECT_TRUE(Agrees(Column(*km, [](const auto& step) { return step.std_error; }), wanted["std.err"]));
      EXPECT_TRUE(Agrees(Column(*km, [](const auto& step) { return step.std_error_log; }), wanted["std.err.log"]));
      const json& na = wanted["nelson_aalen"];
      EXPECT_TRUE(Agrees(Column(*km, [](const auto& step) { return step.cumulative_hazard; }), na["estimate"]));
      EXPECT_TRUE(
          Agrees(Column(*km, [](const auto& step) { return step.cumulative_hazard_variance; }), na["variance"]));
      ExpectLimits(*km, LimitKind::kLog, wanted["log"]);
      ExpectLimits(*km, LimitKind::kLogLog, wanted["log-log"]);
    }
}

TEST_P(RReference, KaplanMeierOfSummedSiteCountsIsThatOfAllPatients) {
  std::map<double, RiskCounts> total;
  for (const Outcome& outcome : outcomes_) total[outcome.time].time = outcome.time;
  for (const CoxStratum& site : Strata(!sites_.empty()))
    for (auto& [time, counts] : total)
      for (const Outcome& outcome : site.outcomes) {
        counts.at_risk += outcome.time >= time ? 1.0 : 0.0;
        counts.events += outcome.time == time && outcome.event ? 1.0 : 0.0;
        counts.censored += outcome.time == time && !outcome.event ? 1.0 : 0.0;
      }
  std::vector<RiskCounts> counts;
  for (const auto& [time, row] : total) counts.push_back(row);
  const auto km = KaplanMeier::OfCounts(counts);
  ASSERT_TRUE(km.ok()) << km.error().message;
  EXPECT_TRUE(Agrees(km->curve().values, reference_["kaplan_meier"]["overall"]["curves"]["all"]["surv"]));
}

TEST_P(RReference, RestrictedMeansAgree) {
  for (const json& entry : reference_["rmst"])
    for (const std::string part : {"overall", "by_group"})
      for (const auto& [name, outcomes] : Parts(part == "by_group")) {
        const json& wanted = entry[part]["groups"][name];
        const auto mean = KaplanMeier::Of(outcomes)->RestrictedMeanTo(entry[part]["tau"].get<double>());
        ASSERT_TRUE(mean.ok()) << mean.error().message;
        EXPECT_TRUE(Agrees(mean->mean, wanted["rmean"])) << part << " " << name;
        EXPECT_TRUE(Agrees(mean->std_error, wanted["std.err"])) << part << " " << name;
      }
}

void ExpectLogRank(const LogRankSums& sums, const json& wanted) {
  EXPECT_TRUE(Agrees(sums.observed, wanted["observed"]));
  EXPECT_TRUE(Agrees(sums.expected, wanted["expected"]));
  EXPECT_TRUE(Agrees(sums.variance, wanted["variance"]));
  const auto test = TestLogRank(sums);
  if (wanted["df"] == 0) {
    EXPECT_FALSE(test.ok());
    return;
  }
  ASSERT_TRUE(test.ok()) << test.error().message;
  EXPECT_EQ(test->degrees, wanted["df"].get<std::size_t>());
  EXPECT_TRUE(Agrees(test->chi_square, wanted["chisq"]));
  EXPECT_TRUE(Agrees(test->p, wanted["p"]));
}

TEST_P(RReference, LogRankAgreesPlainByStrataAndBySite) {
  const std::vector<std::size_t> groups = Groups();
  const auto plain = LogRankOfStratum(outcomes_, groups, group_names_.size());
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  ExpectLogRank(*plain, reference_["log_rank"]["plain"]);
  if (sites_.empty()) return;
  LogRankSums total(group_names_.size());
  for (const std::string& site : sites_) {
    SCOPED_TRACE(site);
    const auto rows = RowsWhere("site", site);
    const auto sums = LogRankOfStratum(Pick(outcomes_, rows), Pick(groups, rows), group_names_.size());
    ASSERT_TRUE(sums.ok()) << sums.error().message;
    const json& wanted = reference_["log_rank"]["by_site"][site];
    if (wanted.contains("error")) {
      EXPECT_TRUE(std::ranges::all_of(sums->variance.values, [](double value) { return value == 0.0; }));
    } else {
      ExpectLogRank(*sums, wanted);
    }
    total += *sums;
  }
  ExpectLogRank(total, reference_["log_rank"]["strata_site"]);
}

TEST_P(RReference, CoxFitsAgreeForBothTiesWithAndWithoutStrataAndRidge) {
  for (const auto& [ties_name, ties] : {std::pair{"efron", Ties::kEfron}, std::pair{"breslow", Ties::kBreslow}})
    for (const auto& [kind, wanted] : reference_["coxph"][ties_name].items()) {
      SCOPED_TRACE(std::string(ties_name) + " " + kind);
      const std::vector<CoxStratum> strata = Strata(kind == "strata_site");
      const auto fit = FitCox(strata, {.ties = ties});
      if (wanted["coef"][0].is_null()) {
        EXPECT_FALSE(fit.ok());
        continue;
      }
      ASSERT_TRUE(fit.ok()) << fit.error().message;
      EXPECT_TRUE(Agrees(fit->beta, wanted["coef"]));
      EXPECT_TRUE(Agrees(fit->variance, wanted["var"]));
      EXPECT_TRUE(Agrees(fit->log_likelihood_at_zero, wanted["loglik_null"]));
      EXPECT_TRUE(Agrees(fit->log_likelihood, wanted["loglik_model"]));
      for (const auto& [name, ridge] : wanted["ridge"].items()) {
        SCOPED_TRACE(name);
        const auto shrunk = FitCox(strata, {.ties = ties, .ridge = ridge["theta"].get<double>()});
        ASSERT_TRUE(shrunk.ok()) << shrunk.error().message;
        EXPECT_TRUE(Agrees(shrunk->beta, ridge["coef"]));
        EXPECT_TRUE(Agrees(shrunk->log_likelihood, ridge["loglik_model"]));
        EXPECT_TRUE(Agrees(shrunk->penalty, ridge["penalty"]));
        EXPECT_TRUE(Agrees(shrunk->variance, ridge["var"]));
        EXPECT_TRUE(Agrees(shrunk->sandwich_variance, ridge["var2"]));
      }
    }
}

TEST_P(RReference, CoxBaselinesAgree) {
  for (const auto& [ties_name, ties] : {std::pair{"efron", Ties::kEfron}, std::pair{"breslow", Ties::kBreslow}}) {
    const json& wanted = reference_["coxph"][ties_name]["plain"];
    if (wanted["coef"][0].is_null()) continue;
    const auto lp = LinearPredictor(x_, wanted["coef"].get<std::vector<double>>());
    const auto baseline = CoxBaseline(outcomes_, lp, ties);
    ASSERT_TRUE(baseline.ok()) << baseline.error().message;
    EXPECT_TRUE(Agrees(baseline->times, wanted["baseline"]["time"]));
    EXPECT_TRUE(Agrees(baseline->values, wanted["baseline"]["hazard"]));
  }
}

TEST_P(RReference, CoxRefusesAGroupWithoutEvents) {
  if (!reference_.contains("coxph_group")) return;
  CoxStratum stratum{Matrix(table_.rows, 1), outcomes_};
  const auto groups = Groups();
  for (std::size_t i = 0; i < groups.size(); ++i) stratum.x(i, 0) = static_cast<double>(groups[i]);
  const auto fit = FitCox(std::vector{stratum});
  ASSERT_FALSE(fit.ok());
  EXPECT_NE(fit.error().message.find("no finite maximum"), std::string::npos) << fit.error().message;
  EXPECT_TRUE(FitCox(std::vector{stratum}, {.ridge = 1.0}).ok());
}

void ExpectPairs(const PairCounts& counts, const json& wanted) {
  const json& pairs = wanted["counts"];
  EXPECT_TRUE(Agrees(counts.concordant, pairs["concordant"]));
  EXPECT_TRUE(Agrees(counts.discordant, pairs["discordant"]));
  EXPECT_TRUE(Agrees(counts.tied_risk, pairs["tied.x"]));
  EXPECT_TRUE(Agrees(counts.tied_time, pairs["tied.y"]));
  EXPECT_TRUE(Agrees(counts.tied_both, pairs["tied.xy"]));
  const auto c = ConcordanceOf(counts);
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_TRUE(Agrees(c->c, wanted["concordance"]));
  EXPECT_TRUE(Agrees(c->std_error, wanted["std.err"]));
}

TEST_P(RReference, ConcordancesAgree) {
  if (!reference_.contains("concordance")) return;
  const json& wanted = reference_["concordance"];
  const auto g = CensoringSurvival(outcomes_);
  const double tau = reference_["auc"]["times"].back().get<double>();
  for (const auto& [name, options] :
       {std::pair{"harrell", PairOptions{}}, std::pair{"uno", PairOptions{.censoring = &*g}},
        std::pair{"harrell_ymax", PairOptions{.tau = tau}},
        std::pair{"uno_ymax", PairOptions{.tau = tau, .censoring = &*g}}}) {
    SCOPED_TRACE(name);
    const auto counts = CountPairs(outcomes_, Risk(), options);
    ASSERT_TRUE(counts.ok()) << counts.error().message;
    ExpectPairs(*counts, wanted[name]);
  }
}

TEST_P(RReference, ConcordanceWithinSitesIsTheSumOfTheSites) {
  if (!reference_.contains("concordance") || sites_.empty()) return;
  PairCounts harrell;
  PairCounts uno;
  for (const std::string& site : sites_) {
    const auto rows = RowsWhere("site", site);
    const auto outcomes = Pick(outcomes_, rows);
    const auto g = CensoringSurvival(outcomes);
    const auto plain = CountPairs(outcomes, Pick(Risk(), rows));
    // With fewer than two events R weights the stratum by 1.
    const auto weighted =
        CountPairs(outcomes, Pick(Risk(), rows), {.censoring = CountEvents(outcomes) < 2 ? nullptr : &*g});
    ASSERT_TRUE(plain.ok() && weighted.ok());
    harrell += *plain;
    uno += *weighted;
  }
  ExpectPairs(harrell, reference_["concordance"]["harrell_strata_site"]);
  ExpectPairs(uno, reference_["concordance"]["uno_strata_site"]);
}

TEST_P(RReference, CensoringSurvivalAgrees) {
  if (!reference_.contains("censoring")) return;
  const auto g = CensoringSurvival(outcomes_);
  ASSERT_TRUE(g.ok());
  EXPECT_TRUE(Agrees(g->times, reference_["censoring"]["time"]));
  EXPECT_TRUE(Agrees(g->values, reference_["censoring"]["G"]));
}

TEST_P(RReference, BrierScoresAgree) {
  if (!reference_.contains("brier")) return;
  const auto times = reference_["brier"]["times"].get<std::vector<double>>();
  const auto g = CensoringSurvival(outcomes_);
  const auto km = KaplanMeier::Of(outcomes_);
  const auto hazard = CoxBaseline(outcomes_, Risk(), Ties::kEfron);
  const auto risk = Risk();
  const auto of_km = [&](std::size_t, double time) { return km->curve().At(time); };
  const auto of_cox = [&](std::size_t i, double time) { return std::exp(-hazard->At(time) * std::exp(risk[i])); };
  const auto check = [&](const std::function<double(std::size_t, double)>& survival, const json& wanted) {
    std::vector<double> scores;
    for (const double time : times) {
      std::vector<double> predicted;
      for (std::size_t i = 0; i < outcomes_.size(); ++i) predicted.push_back(survival(i, time));
      const auto score = BrierScore(outcomes_, predicted, time, *g);
      ASSERT_TRUE(score.ok()) << score.error().message;
      scores.push_back(*score);
    }
    EXPECT_TRUE(Agrees(scores, wanted["brier"]));
    EXPECT_TRUE(Agrees(*IntegratedTrapezoid(times, scores), wanted["integrated_trapezoid"]));
    const auto integrated = IntegratedBrier(outcomes_, survival, wanted["integrated_tau"].get<double>(), *g);
    ASSERT_TRUE(integrated.ok()) << integrated.error().message;
    EXPECT_TRUE(Agrees(*integrated, wanted["integrated"]));
  };
  check(of_km, reference_["brier"]["kaplan_meier"]);
  check(of_cox, reference_["brier"]["cox"]);
}

TEST_P(RReference, CumulativeDynamicAucAgrees) {
  if (!reference_.contains("auc")) return;
  const auto g = CensoringSurvival(outcomes_);
  std::vector<double> values;
  for (const json& time : reference_["auc"]["times"])
    values.push_back(*CumulativeDynamicAuc(outcomes_, Risk(), time.get<double>(), *g));
  EXPECT_TRUE(Agrees(values, reference_["auc"]["auc"]));
}

TEST_P(RReference, CalibrationOnHeldOutPatientsAgrees) {
  if (!reference_.contains("calibration") || reference_["calibration"]["held_out"].is_null()) return;
  const json& wanted = reference_["calibration"]["held_out"];
  std::vector<std::size_t> held;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < table_.rows; ++i) (i % 3 == 2 ? held : others).push_back(i);
  const auto outcomes = Pick(outcomes_, held);
  const auto fit = FitCox(std::vector{CoxStratum{Pick(x_, others), Pick(outcomes_, others)}});
  ASSERT_TRUE(fit.ok()) << fit.error().message;
  EXPECT_TRUE(Agrees(fit->beta, wanted["development_coef"]));
  const auto lp = wanted["lp"].get<std::vector<double>>();
  const auto hazard = CoxBaseline(Pick(outcomes_, others), LinearPredictor(Pick(x_, others), fit->beta), Ties::kEfron);
  std::vector<double> cumulative;
  for (std::size_t i = 0; i < lp.size(); ++i) cumulative.push_back(hazard->At(outcomes[i].time) * std::exp(lp[i]));
  const auto events = CompareEvents(outcomes, cumulative);
  ASSERT_TRUE(events.ok());
  EXPECT_TRUE(Agrees(events->observed, wanted["observed"]));
  EXPECT_TRUE(Agrees(events->expected, wanted["expected"]));
  const auto slope = SlopeOf(outcomes, lp);
  ASSERT_TRUE(slope.ok()) << slope.error().message;
  EXPECT_TRUE(Agrees(slope->slope, wanted["slope"]["slope"]));
  EXPECT_TRUE(Agrees(slope->std_error, wanted["slope"]["se"]));
  if (!wanted.contains("slope_strata_site")) return;
  std::vector<std::size_t> stratum;
  for (const std::size_t row : held)
    stratum.push_back(static_cast<std::size_t>(std::ranges::find(sites_, table_.Text("site")[row]) - sites_.begin()));
  const auto within = SlopeOf(outcomes, lp, stratum);
  ASSERT_TRUE(within.ok()) << within.error().message;
  EXPECT_TRUE(Agrees(within->slope, wanted["slope_strata_site"]["slope"]));
  EXPECT_TRUE(Agrees(within->std_error, wanted["slope_strata_site"]["se"]));
}

TEST_P(RReference, CalibrationOfTheFitItselfAgrees) {
  if (!reference_.contains("calibration")) return;
  const auto own = SlopeOf(outcomes_, Risk());
  ASSERT_TRUE(own.ok()) << own.error().message;
  EXPECT_TRUE(Agrees(own->slope, reference_["calibration"]["apparent"]["slope"]));
  EXPECT_TRUE(Agrees(own->std_error, reference_["calibration"]["apparent"]["se"]));
  json largest = json{{"theta", 0.0}};
  for (const json& ridge : reference_["coxph"]["efron"]["plain"]["ridge"])
    if (ridge["theta"].get<double>() > largest["theta"].get<double>()) largest = ridge;
  const auto shrunk = SlopeOf(outcomes_, LinearPredictor(x_, largest["coef"].get<std::vector<double>>()));
  ASSERT_TRUE(shrunk.ok()) << shrunk.error().message;
  EXPECT_TRUE(Agrees(shrunk->slope, reference_["calibration"]["ridge_apparent"]["slope"]["slope"]));
  EXPECT_TRUE(Agrees(shrunk->std_error, reference_["calibration"]["ridge_apparent"]["slope"]["se"]));
}

INSTANTIATE_TEST_SUITE_P(DataSets, RReference,
                         ::testing::Values("lung", "veteran", "pbc", "ovarian", "toy_ties", "toy_no_events",
                                           "toy_all_censored_group", "toy_one_patient_stratum"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace fedtrial
