#include <gtest/gtest.h>

#include "model/training/network_inputs.h"

namespace fedtrial {
namespace {

// One patient with an age, an arm, one analyte on three days and two scans, before one head.
class LinearInputsOf : public ::testing::Test {
 protected:
  LinearInputsOf() {
    shape_.statics = {{"clinical", 1}, {"treatment", 1, true}};
    shape_.panels = {{"cytokine", 1}};
    shape_.mri = "mri";
    shape_.heads = {{"os", HeadKind::kHazard, 2, {}}};
    patient_.statics = {{{3.0}, {true}}, {{-1.0}, {true}}};
    patient_.panels = {
        {{-1.0, {{0, 1.0, 0.0, false}}}, {30.0, {{0, 1.5, 0.5, false}}}, {60.0, {{0, 2.0, 1.0, false}}}}};
    patient_.volumes = {{MriSequence::kT1Contrast, -1.0, "first"}, {MriSequence::kT1Contrast, 50.0, "second"}};
    patient_.heads.resize(1);
    seen_["first"].lesion = {.size = 2.0, .mean = 0.5, .deviation = 0.25};
    seen_["second"].lesion = {.size = 3.0, .mean = 0.75, .deviation = 0.5};
  }

  std::vector<double> Row() const {
    const auto linear = CollateLinear(shape_, std::span(&patient_, 1), seen_, at::kDouble);
    EXPECT_EQ(linear.size(), 1u);
    const double* first = linear.front().data_ptr<double>();
    return {first, first + linear.front().numel()};
  }

  NetworkShape shape_;
  PatientInput patient_;
  VolumeTokens seen_;
};

TEST_F(LinearInputsOf, ValuesAreFollowedByTheirProductsWithTheTreatment) {
  const std::vector<double> row = Row();
  ASSERT_EQ(row.size(), 2 + 1 + 3 + 2 * kLesionInputs);
  EXPECT_EQ(row[0], 3.0);   // age
  EXPECT_LT(row[1], -1.0);  // times the arm
  EXPECT_EQ(row[2], -1.0);  // the arm has no product with itself
  EXPECT_EQ(row[3], 2.0);   // the latest of the analyte
  EXPECT_GT(row[4], 0.0);   // it rises
  EXPECT_DOUBLE_EQ(row[5] / row[3], row[1] / row[0]);
  patient_.statics[1].values = {0.0};
  const std::vector<double> neither = Row();
  EXPECT_EQ(neither[0], 3.0);
  EXPECT_EQ(neither[1], 0.0);
}

TEST_F(LinearInputsOf, TheLesionIsTheLatestAndItsGrowthSinceTheFirst) {
  const std::vector<double> row = Row();
  const std::vector<double> lesion(row.begin() + 6, row.begin() + 6 + kLesionInputs);
  EXPECT_EQ(lesion[0], 1.0);
  EXPECT_EQ(lesion[1], 2.0 * 3.0);
  EXPECT_GT(lesion[2], 0.0);  // it grew
  EXPECT_EQ(lesion[3], 0.0);  // no T1
  EXPECT_EQ(lesion[5], 2.0 * 0.75);
  EXPECT_EQ(lesion[6], 2.0 * 0.5);
}

TEST_F(LinearInputsOf, NothingAfterTheLastDayOfAHeadIsRead) {
  patient_.heads[0].last_day = 40.0;
  const std::vector<double> row = Row();
  EXPECT_EQ(row[3], 1.5);
  EXPECT_EQ(row[6 + 1], 2.0 * 2.0);
  EXPECT_EQ(row[6 + 2], 0.0);
}

TEST_F(LinearInputsOf, ATrendIsTheSlopeOverAllVisitsPulledToNothingWhereTheyAreFew) {
  const auto trend_of = [&](const std::vector<double>& values) {
    patient_.panels[0].clear();
    for (std::size_t v = 0; v < values.size(); ++v)
      patient_.panels[0].push_back({56.0 * static_cast<double>(v), {{0, values[v], values[v] - values[0], false}}});
    return Row()[4];
  };
  EXPECT_EQ(trend_of({2.0}), 0.0);
  // Half a deviation in eight weeks: squares of the centred times 0.5, 2 and 5, each over itself and 1.
  const double two = trend_of({0.0, 0.5}), four = trend_of({0.0, 0.5, 1.0, 1.5});
  EXPECT_NEAR(two / four, (0.5 / 1.5) / (5.0 / 6.0), 1e-12);
  EXPECT_NEAR(trend_of({1.0, 0.5, 2.0}), four * (2.0 / 3.0) / (5.0 / 6.0), 1e-12) << "the least-squares slope";
  EXPECT_LT(trend_of({1.0, 0.5}), 0.0);
}

TEST_F(LinearInputsOf, AHiddenTreatmentHasNoProducts) {
  shape_.heads[0].hidden = {"treatment", "mri"};
  const std::vector<double> row = Row();
  ASSERT_EQ(row.size(), 3u);
  EXPECT_EQ(row[0], 3.0);
  EXPECT_EQ(row[1], 2.0);
}

TEST_F(LinearInputsOf, AreAsManyAsTheSkipHasCoefficients) {
  const auto tensors = NetworkTensors(shape_, ScalarType::kFloat64);
  ASSERT_TRUE(tensors.ok());
  std::size_t coefficients = 0;
  for (const NetworkTensor& tensor : *tensors)
    if (tensor.spec.name.ends_with("/beta")) coefficients += tensor.spec.shape[1];
  EXPECT_EQ(coefficients, Row().size());
}

}  // namespace
}  // namespace fedtrial
