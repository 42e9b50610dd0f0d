#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>

#include "site_node/imaging/nifti.h"
#include "site_node/imaging/prepare.h"
#include "site_node/imaging/report.h"
#include "tests/support/text_files.h"
#include "tests/unit/site_node/imaging/phantom.h"
#include "tests/unit/site_node/imaging/whole_chain/moving.h"

namespace fedtrial::imaging {
namespace {

using ::testing::HasSubstr;

constexpr double kVisitCpuSecondsGoal = 90.0, kPeakMegabytes = 1024.0;

// One first visit of four 1 mm sequences, prepared once for all tests.
class Visits : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!std::filesystem::exists(MriData())) return;
    state_ = new State;
    state_->base = ReadBaseHead().value();
    state_->atlas = LoadAtlas().value();
    Add(MriSequence::kT1Contrast, state_->base.cases[1]);
    Add(MriSequence::kT1, state_->base.cases[2]);
    Add(MriSequence::kT2, state_->base.cases[4]);
    Add(MriSequence::kFlair, state_->base.cases[7]);
    WriteLesion();
    const double begin = CpuSeconds();
    state_->first = PrepareVisit(state_->input, state_->atlas, ImagingSettings{});
    state_->cpu_seconds = CpuSeconds() - begin;
    state_->peak_megabytes = PeakMegabytes();
  }
  static void TearDownTestSuite() {
    delete state_;
    state_ = nullptr;
  }
  void SetUp() override {
    if (state_ == nullptr) GTEST_SKIP() << "the real head isn't shipped, and " << MriData() << " isn't there";
  }

  static std::filesystem::path Write(const std::string& name, const Scan& scan) {
    const auto file = state_->folder / (name + ".nii.gz");
    EXPECT_TRUE(WriteNifti(file, scan).ok());
    return file;
  }
  static void Add(MriSequence sequence, const MovingCase& c) {
    state_->input.series.push_back({sequence, {Write(c.name, MakeMoving(state_->base, c))}});
    state_->maps[static_cast<std::size_t>(sequence)] = c.map;
  }
  // A ball of 15 mm where the drawn lesion of the contrast T1 is.
  static void WriteLesion() {
    const MovingCase& c = state_->base.cases[1];
    const Vec3 centre = Apply(c.map, *c.lesion);
    Scan lesion{state_->base.image.grid, {}};
    const Transform place = IndexToWorld(lesion.grid);
    for (std::size_t z = 0; z < lesion.grid.size[2]; ++z)
      for (std::size_t y = 0; y < lesion.grid.size[1]; ++y)
        for (std::size_t x = 0; x < lesion.grid.size[0]; ++x) {
          const Vec3 p = Apply(place, {static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)});
          lesion.voxels.push_back(std::hypot(p[0] - centre[0], p[1] - centre[1], p[2] - centre[2]) < 15 ? 1.0f : 0.0f);
        }
    state_->input.lesion = state_->folder / "lesion.nii.gz";
    EXPECT_TRUE(WriteNifti(*state_->input.lesion, lesion, /*mask=*/true).ok());
  }
  // From the scan of a case to that of the baseline.
  static Transform ToBaseline(const Transform& map) { return Compose(state_->base.cases[1].map, Inverse(map)); }

  struct State {
    TestFolder folder{"visits"};
    BaseHead base;
    Atlas atlas;
    VisitInput input;
    std::array<Transform, kMriSequences> maps;
    std::optional<Result<PreparedVisit>> first;
    double cpu_seconds = 0.0, peak_megabytes = 0.0;
  };
  static inline State* state_ = nullptr;
};

TEST_F(Visits, AllFourSequencesLieOnTheBaselineWithinBounds) {
  ASSERT_TRUE(state_->first->ok()) << state_->first->error().message;
  const PreparedVisit& visit = **state_->first;
  ASSERT_EQ(visit.series.size(), 4u);
  for (const SeriesResult& series : visit.series) {
    SCOPED_TRACE(ToString(series.sequence));
    ASSERT_TRUE(series.prepared.ok()) << series.prepared.error().message;
    const Transform& map = state_->maps[static_cast<std::size_t>(series.sequence)];
    // Over the points of the brain in the series' own scan: the base's, carried there.
    const Distance apart =
        Between(Compose(series.prepared->to_baseline, map), Compose(ToBaseline(map), map), state_->base.mask);
    printf("%-9s mean %.3f max %.3f mm\n", std::string(ToString(series.sequence)).c_str(), apart.mean, apart.max);
    EXPECT_LE(apart.mean, kMeanMm);
    EXPECT_LE(apart.max, kMaxMm);
  }
  printf("%s", VisitJson(visit, ImagingSettings{}).c_str());
}

TEST_F(Visits, OneTakesLessThanAGigabyte) {
  printf("%.1f s CPU, goal %.0f, peak %.0f MB\n", state_->cpu_seconds, kVisitCpuSecondsGoal, state_->peak_megabytes);
  EXPECT_LT(state_->peak_megabytes, kPeakMegabytes);
}

TEST_F(Visits, VolumesHaveMeanZeroInTheBrainAndTheLesionInTheMiddle) {
  ASSERT_TRUE(state_->first->ok());
  const PreparedVisit& visit = **state_->first;
  for (const SeriesResult& series : visit.series) {
    const Volume& volume = series.prepared->volume;
    ASSERT_EQ(volume.size, (std::array<std::size_t, 3>{64, 64, 64}));
    ASSERT_EQ(volume.image.size(), 64u * 64 * 64);
    ASSERT_EQ(volume.lesion.size(), 64u * 64 * 64);
    EXPECT_EQ(volume.lesion[(32 * 64 + 32) * 64 + 32], 1.0f);
    const auto set = static_cast<double>(std::count(volume.lesion.begin(), volume.lesion.end(), 1.0f));
    EXPECT_NEAR(set * 1.5 * 1.5 * 1.5 / 1000.0, 14.1, 0.7);  // ml of a ball of 15 mm: lesions keep their size
    for (const float v : volume.image) ASSERT_LT(std::abs(v), 10.0f);
  }
  EXPECT_EQ(visit.picture[1], 'P');
}

TEST_F(Visits, ASecondRunGivesTheSameBytesInEveryOutput) {
  ASSERT_TRUE(state_->first->ok());
  const auto again = PrepareVisit(state_->input, state_->atlas, ImagingSettings{});
  ASSERT_TRUE(again.ok()) << again.error().message;
  const PreparedVisit& first = **state_->first;
  ASSERT_EQ(again->series.size(), first.series.size());
  for (std::size_t i = 0; i < first.series.size(); ++i) {
    EXPECT_EQ(again->series[i].prepared->volume.image, first.series[i].prepared->volume.image);
    EXPECT_EQ(again->series[i].prepared->volume.lesion, first.series[i].prepared->volume.lesion);
    EXPECT_EQ(again->series[i].prepared->to_atlas, first.series[i].prepared->to_atlas);
  }
  EXPECT_EQ(again->picture, first.picture);
  EXPECT_EQ(again->baseline->head.voxels, first.baseline->head.voxels);
  EXPECT_EQ(again->baseline->brain.voxels, first.baseline->brain.voxels);
  EXPECT_EQ(VisitJson(*again, ImagingSettings{}), VisitJson(first, ImagingSettings{}));
}

// Each series is registered within bounds, or failed; what it was is printed.
void ExpectNeverSilentlyWrong(const PreparedVisit& visit, const std::array<Transform, kMriSequences>& truths,
                              const std::array<Transform, kMriSequences>& maps, const Scan& brain) {
  for (const SeriesResult& series : visit.series) {
    const auto i = static_cast<std::size_t>(series.sequence);
    if (!series.prepared.ok()) {
      printf("%-9s failed: %s\n", std::string(ToString(series.sequence)).c_str(),
             series.prepared.error().message.c_str());
      continue;
    }
    const Distance apart = Between(Compose(series.prepared->to_baseline, maps[i]), Compose(truths[i], maps[i]), brain);
    printf("%-9s registered: mean %.3f max %.3f mm\n", std::string(ToString(series.sequence)).c_str(), apart.mean,
           apart.max);
    EXPECT_LE(apart.max, kMaxMm) << ToString(series.sequence);
  }
}

class TurnedVisits : public Visits {
 protected:
  // A later visit whose series are turned by these degrees about the axes of RAS.
  void Follow(const std::array<Vec3, kMriSequences>& degrees) {
    ASSERT_TRUE(state_->first->ok());
    VisitInput input;
    input.baseline = &*(*state_->first)->baseline;
    std::array<Transform, kMriSequences> truths, maps;
    constexpr std::array<const char*, kMriSequences> kCurves{"same", "same", "t2", "flair"};
    for (std::size_t i = 0; i < kMriSequences; ++i) {
      MovingCase c;
      c.curve = kCurves[i];
      c.map = Turn(state_->base, degrees[i], {10, -8, 5});
      c.seed = 40 + i;
      c.spacing = {1.5, 1.5, 1.5};
      maps[i] = c.map;
      truths[i] = ToBaseline(c.map);
      const std::string name = "turned" + std::to_string(i);
      input.series.push_back({static_cast<MriSequence>(i), {Write(name, MakeMoving(state_->base, c))}});
    }
    const auto visit = PrepareVisit(input, state_->atlas, ImagingSettings{});
    if (!visit.ok()) {
      printf("%s\n", visit.error().message.c_str());
      return;
    }
    ExpectNeverSilentlyWrong(*visit, truths, maps, state_->base.mask);
  }
};

TEST_F(TurnedVisits, HeadsTurnedBy45DegreesAreRegisteredOrFailed) {
  Follow({Vec3{45, 0, 0}, Vec3{0, 45, 0}, Vec3{0, 0, 45}, Vec3{36, -13.5, 22.5}});
}

TEST_F(TurnedVisits, HeadsUpsideDownAreRegisteredOrFailed) {
  Follow({Vec3{180, 0, 0}, Vec3{0, 180, 0}, Vec3{0, 0, 180}, Vec3{90, 0, 90}});
}

TEST_F(Visits, ABrokenSeriesFailsAloneWithItsReason) {
  ASSERT_TRUE(state_->first->ok());
  VisitInput input;
  input.baseline = &*(*state_->first)->baseline;
  MovingCase c;
  c.map = Turn(state_->base, {5, 3, -4}, {30, 20, -40});
  c.spacing = {2, 2, 2};
  const auto good = Write("good", MakeMoving(state_->base, c));
  std::string cut = ReadText(good);
  cut.resize(cut.size() / 2);
  WriteText(state_->folder / "cut.nii.gz", cut);
  Scan flipped = MakeMoving(state_->base, c);  // a header that lies: head and neck change places
  const std::size_t plane = flipped.grid.size[0] * flipped.grid.size[1];
  for (std::size_t z = 0; z < flipped.grid.size[2] / 2; ++z)
    std::swap_ranges(flipped.voxels.begin() + static_cast<std::ptrdiff_t>(z * plane),
                     flipped.voxels.begin() + static_cast<std::ptrdiff_t>((z + 1) * plane),
                     flipped.voxels.begin() + static_cast<std::ptrdiff_t>((flipped.grid.size[2] - 1 - z) * plane));
  input.series = {{MriSequence::kT1, {good}},
                  {MriSequence::kT1Contrast, {Write("ball", Ball(RasGrid({90, 90, 80}, 2.0), 75.0))}},
                  {MriSequence::kT2, {state_->folder / "cut.nii.gz"}},
                  {MriSequence::kFlair, {Write("flipped", flipped)}}};
  const auto visit = PrepareVisit(input, state_->atlas, ImagingSettings{});
  ASSERT_TRUE(visit.ok()) << visit.error().message;
  for (const SeriesResult& series : visit->series)
    printf("%-9s %s\n", std::string(ToString(series.sequence)).c_str(),
           series.prepared.ok() ? "prepared" : series.prepared.error().message.c_str());
  ASSERT_TRUE(visit->series[0].prepared.ok()) << visit->series[0].prepared.error().message;
  const Distance apart = Between(Compose(visit->series[0].prepared->to_baseline, c.map),
                                 Compose(ToBaseline(c.map), c.map), state_->base.mask);
  EXPECT_LE(apart.max, kMaxMm);
  EXPECT_FALSE(visit->series[1].prepared.ok()) << "a ball isn't a head";
  ASSERT_FALSE(visit->series[2].prepared.ok());
  EXPECT_THAT(visit->series[2].prepared.error().message, HasSubstr("cut.nii.gz: truncated"));
  EXPECT_FALSE(visit->series[3].prepared.ok()) << "upside down";
  EXPECT_FALSE(visit->baseline.has_value());
}

TEST_F(Visits, AnImageThatIsThereUnderTwoNamesIsTakenOnce) {
  MovingCase c = state_->base.cases[0];
  c.spacing = {2.0, 2.0, 2.0};
  const auto file = Write("once", MakeMoving(state_->base, c)), copy = file.parent_path() / "copy.nii.gz";
  std::filesystem::copy_file(file, copy);
  VisitInput input;
  input.baseline = &*(*state_->first)->baseline;
  input.series = {{MriSequence::kT1, {file}}, {MriSequence::kT2, {copy}}};
  const auto visit = PrepareVisit(input, state_->atlas, ImagingSettings{});
  ASSERT_TRUE(visit.ok()) << visit.error().message;
  EXPECT_TRUE(visit->series[0].prepared.ok());
  ASSERT_FALSE(visit->series[1].prepared.ok());
  EXPECT_THAT(visit->series[1].prepared.error().message, HasSubstr("the same image as T1w"));
}

TEST_F(Visits, AFirstVisitOfNoHeadOrWithoutContrastFailsAsAWhole) {
  VisitInput input;
  input.series = {{MriSequence::kT1Contrast, {Write("ball1", Ball(RasGrid({90, 90, 80}, 2.0), 75.0))}}};
  const auto ball = PrepareVisit(input, state_->atlas, ImagingSettings{});
  ASSERT_FALSE(ball.ok());
  printf("%s\n", ball.error().message.c_str());
  EXPECT_THAT(ball.error().message, HasSubstr("contrast T1 of the first visit"));
  input.series[0].sequence = MriSequence::kT2;
  EXPECT_THAT(PrepareVisit(input, state_->atlas, ImagingSettings{}).error().message, HasSubstr("no contrast T1"));
  input.series.push_back(input.series[0]);
  EXPECT_THAT(PrepareVisit(input, state_->atlas, ImagingSettings{}).error().message, HasSubstr("T2w is given twice"));
}

TEST_F(Visits, AFirstVisitTurnedBy45DegreesOrUpsideDownIsRegisteredOrFailed) {
  for (const Vec3& degrees : {Vec3{45, 0, 0}, Vec3{0, 0, 45}, Vec3{180, 0, 0}}) {
    MovingCase c;
    c.map = Turn(state_->base, degrees, {0, 0, 0});
    c.spacing = {1.5, 1.5, 1.5};
    VisitInput input;
    input.series = {{MriSequence::kT1Contrast, {Write("first", MakeMoving(state_->base, c))}}};
    const auto visit = PrepareVisit(input, state_->atlas, ImagingSettings{});
    if (!visit.ok()) {
      printf("failed: %s\n", visit.error().message.c_str());
      continue;
    }
    // Where the brain lies after all: the upright baseline's place in the atlas, through the known turn.
    const Transform truth =
        Compose((*state_->first)->series[1].prepared->to_atlas, Compose(state_->base.cases[1].map, Inverse(c.map)));
    const Distance apart =
        Between(Compose(visit->series[0].prepared->to_atlas, c.map), Compose(truth, c.map), state_->base.mask);
    printf("registered: mean %.2f max %.2f mm from the upright one\n", apart.mean, apart.max);
    EXPECT_LE(apart.mean, 2.0);  // two heads: where the optimum against the atlas lies is flat
  }
}

}  // namespace
}  // namespace fedtrial::imaging
