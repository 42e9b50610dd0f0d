#include "tests/simulation/cohort/course.h"

#include <cmath>

#include "gtest/gtest.h"
#include "model/survival/concordance.h"
#include "tests/simulation/cohort/generate.h"
#include "tests/unit/simulation_cohort/published.h"

namespace fedtrial::sim {
namespace {

CohortSettings Settings(Signal signal, unsigned patients) {
  CohortSettings settings;
  settings.patients = patients;
  settings.signal = signal;
  settings.volume = 0;
  settings.seed = 20;
  return settings;
}

// How often something happened in so many tries, beside how often it should.
struct Tries {
  double times = 0.0, happened = 0.0;
  void Expect(double probability, const char* what) const {
    const double error = std::sqrt(probability * (1.0 - probability) / times);
    EXPECT_NEAR(happened / times, probability, 4.0 * error) << what << " in " << times << " tries";
  }
};

TEST(IllnessDeath, HappensAsOftenAsTheParametersSay) {
  const CohortParameters parameters = Published();
  const std::size_t pieces = parameters.course.ends_weeks.size();
  std::vector<Tries> h01(pieces), h02(pieces);
  Tries h12;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    Draws draws(1, "test", i);
    const TrueCourse course = DrawTrueCourse(parameters.course, 0.0, draws);
    const auto step_of = [](int day) { return (day + kStepDays - 1) / kStepDays; };
    const int last = step_of(course.data_cut);
    const int first = std::min({course.recurrence_day ? step_of(*course.recurrence_day) : last,
                                course.death_day ? step_of(*course.death_day) : last, last});
    for (int step = 1; step <= first; ++step) {
      std::size_t piece = 0;
      while (4.0 * step > parameters.course.ends_weeks[piece]) ++piece;
      h01[piece].times += 1.0;
      h02[piece].times += 1.0;
      if (step < first) continue;
      h01[piece].happened += course.recurrence_day.has_value();
      h02[piece].happened += course.death_day && !course.recurrence_day;
    }
    if (!course.recurrence_day) continue;
    h12.times += (course.death_day ? step_of(*course.death_day) : last) - step_of(*course.recurrence_day);
    h12.happened += course.death_day.has_value();
  }
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    h01[piece].Expect(parameters.course.h01[piece], "recurrence");
    h02[piece].Expect(parameters.course.h02[piece], "death without recurrence");
  }
  h12.Expect(parameters.course.h12, "death after recurrence");
}

TEST(IllnessDeath, HasTheHazardsOfTheModelForEveryRisk) {
  const CourseParameters parameters = Published().course;
  const Hazards none = HazardsAt(parameters, 1, 0.0), high = HazardsAt(parameters, 1, 1.0);
  EXPECT_NEAR(none.h01, parameters.h01[0], 1e-12);
  EXPECT_NEAR(none.h02, parameters.h02[0], 1e-12);
  EXPECT_NEAR(none.h12, parameters.h12, 1e-12);
  const auto logit = [](double p, double other) { return std::log(p / other); };
  EXPECT_NEAR(logit(high.h01, 1 - high.h01 - high.h02) - logit(none.h01, 1 - none.h01 - none.h02), 1.0, 1e-12);
  EXPECT_NEAR(logit(high.h02, 1 - high.h01 - high.h02) - logit(none.h02, 1 - none.h01 - none.h02), 1.0, 1e-12);
  EXPECT_NEAR(logit(high.h12, 1 - high.h12) - logit(none.h12, 1 - none.h12), 1.0, 1e-12);
  EXPECT_NEAR(HazardsAt(parameters, 2, 0.0).h01, parameters.h01[0], 1e-12) << "week 8 is of the piece that ends there";
  EXPECT_NEAR(HazardsAt(parameters, 3, 0.0).h01, parameters.h01[1], 1e-12);
  EXPECT_NEAR(HazardsAt(parameters, 500, 0.0).h01, parameters.h01.back(), 1e-12) << "the last piece goes on";
}

TEST(KnownCourse, IsConsistentForEveryPatient) {
  const CohortParameters parameters = Published();
  std::size_t recurred = 0, clinical = 0, pseudo = 0;
  for (const SimulatedSite& site : SimulateCohort(parameters, Settings(Signal::kLinear, 3'000)))
    for (const Patient& patient : site.patients) {
      const KnownCourse& course = patient.course;
      ASSERT_GE(course.last_negative_day, 0);
      ASSERT_LE(course.last_negative_day, course.last_day);
      ASSERT_LE(course.last_day, patient.truth.data_cut);
      ASSERT_GE(course.last_day, 1);
      if (course.recurrence_day) {
        ASSERT_LT(course.last_negative_day, *course.recurrence_day);
        ASSERT_LE(*course.recurrence_day, course.last_day);
        ASSERT_GE(*course.recurrence_day, *patient.truth.recurrence_day) << "nobody knows before it is true";
      }
      ASSERT_FALSE(course.visits.empty());
      for (std::size_t i = 0; i < course.visits.size(); ++i) {
        ASSERT_LE(course.visits[i].day, course.died ? course.last_day - 1 : course.last_day);
        if (i > 0) {
          ASSERT_GT(course.visits[i].day, course.visits[i - 1].day);
        }
      }
      recurred += course.recurrence_day.has_value();
      clinical += course.recurrence_basis == "clinical";
      for (const LesionState& lesion : patient.lesions) pseudo += lesion.pseudo;
    }
  EXPECT_GT(recurred, 2'000u);
  EXPECT_GT(clinical, 100u);
  EXPECT_GT(pseudo, 200u);
}

TEST(Lesion, GrowsByAQuarterExactlyWhereTheScanSaysProgression) {
  const CohortParameters parameters = Published();
  for (const SimulatedSite& site : SimulateCohort(parameters, Settings(Signal::kNone, 1'000)))
    for (const Patient& patient : site.patients) {
      double smallest = patient.lesions.front().sum_product_mm2;
      for (std::size_t i = 0; i < patient.lesions.size(); ++i) {
        const LesionState& lesion = patient.lesions[i];
        const bool first_shown = lesion.recurred && patient.course.visits[i].day == *patient.course.recurrence_day;
        if (lesion.rano == "SD" || lesion.rano == "PR") {
          EXPECT_LT(lesion.sum_product_mm2, 1.25 * smallest);
        }
        if (first_shown || lesion.pseudo) {
          EXPECT_GE(lesion.sum_product_mm2, 1.25 * smallest);
        }
        EXPECT_EQ(lesion.rano == "PD", lesion.recurred);
        if (lesion.pseudo) {
          ASSERT_TRUE(lesion.confirm_day.has_value());
          EXPECT_GT(*lesion.confirm_day, patient.course.visits[i].day);
          EXPECT_FALSE(patient.lesions[i + 1].recurred);
        } else {
          smallest = std::min(smallest, lesion.sum_product_mm2);
        }
      }
    }
}

double ConcordanceOfRisk(Signal signal) {
  const CohortParameters parameters = Published();
  std::vector<Outcome> outcomes;
  std::vector<double> risk;
  for (const SimulatedSite& site : SimulateCohort(parameters, Settings(signal, 4'000)))
    for (std::size_t i = 0; i < site.patients.size(); ++i) {
      const Patient& patient = site.patients[i];
      outcomes.push_back({static_cast<double>(patient.course.last_day), patient.course.died});
      // Without a signal the linear risk of the same patients must tell nothing.
      Baseline other = patient.baseline;
      risk.push_back(signal == Signal::kNone ? other.age : patient.risk);
    }
  const auto pairs = CountPairs(outcomes, risk);
  EXPECT_TRUE(pairs.ok());
  return ConcordanceOf(*pairs)->c;
}

TEST(PlantedEffect, IsAsStrongAsTheDesignSaysWhateverItComesFrom) {
  for (const Signal signal : {Signal::kLinear, Signal::kInteraction, Signal::kMri, Signal::kSlope})
    EXPECT_NEAR(ConcordanceOfRisk(signal), 0.755, 0.015) << ToString(signal);
  EXPECT_NEAR(ConcordanceOfRisk(Signal::kNone), 0.50, 0.015);
}

TEST(PlantedEffect, ChangesNoBaseline) {
  const CohortParameters parameters = Published();
  const auto linear = SimulateCohort(parameters, Settings(Signal::kLinear, 50));
  const auto none = SimulateCohort(parameters, Settings(Signal::kNone, 50));
  for (std::size_t s = 0; s < linear.size(); ++s)
    for (std::size_t i = 0; i < linear[s].patients.size(); ++i) {
      EXPECT_EQ(linear[s].patients[i].baseline.age, none[s].patients[i].baseline.age);
      EXPECT_EQ(linear[s].patients[i].baseline.analytes, none[s].patients[i].baseline.analytes);
      EXPECT_EQ(none[s].patients[i].risk, 0.0);
    }
}

}  // namespace
}  // namespace fedtrial::sim
