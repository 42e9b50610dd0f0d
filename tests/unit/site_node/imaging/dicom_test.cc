#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "site_node/imaging/dicom_folder.h"
#include "site_node/imaging/dicom_volume.h"
#include "site_node/imaging/identity.h"
#include "site_node/imaging/read_series.h"
#include "tests/support/text_files.h"
#include "tests/unit/site_node/imaging/dicom_writer.h"
#include "tests/unit/site_node/imaging/phantom.h"

namespace fedtrial::imaging {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using Tag = std::pair<unsigned, unsigned>;
constexpr Tag kSopClass{0x0008, 0x0016}, kModality{0x0008, 0x0060}, kDescription{0x0008, 0x103e};
constexpr Tag kPatient{0x0010, 0x0020}, kName{0x0010, 0x0010}, kAgent{0x0018, 0x0010};
constexpr Tag kRepetition{0x0018, 0x0080}, kEcho{0x0018, 0x0081}, kInversion{0x0018, 0x0082};
constexpr Tag kPosition{0x0020, 0x0032}, kOrientation{0x0020, 0x0037}, kBurnedIn{0x0028, 0x0301};
constexpr Tag kInstance{0x0008, 0x0018}, kSlope{0x0028, 0x1053}, kPhotometric{0x0028, 0x0004};

Scan SmallHead() {
  Scan scan = Ball(RasGrid({40, 48, 16}, 3.0), 60.0);
  scan.grid.direction = kIdentity3;  // as an axial series: towards left, back, head
  scan.grid.origin = {-60, -70, -20};
  return scan;
}

std::vector<WrittenSlice> Slices() { return SlicesOf(SmallHead(), "1.2.3.4"); }

void Everywhere(std::vector<WrittenSlice>& slices, Tag tag, const std::string& text) {
  for (WrittenSlice& slice : slices) slice.texts[tag] = text;
}

// The reasons for which a folder's series are refused.
std::vector<std::string> Reasons(const std::vector<WrittenSlice>& slices) {
  const TestFolder folder("dicom-reasons");
  WriteSeries(folder.path(), slices);
  const auto found = FindDicomSeries(folder.path(), {});
  EXPECT_TRUE(found.ok());
  std::vector<std::string> reasons;
  for (const RefusedSeries& refused : found->refused) reasons.push_back(refused.reason);
  EXPECT_EQ(found->series.size(), reasons.empty() ? 1u : 0u);
  return reasons;
}

TEST(Dicom, ASeriesIsSortedByPositionAndKeepsItsPlace) {
  const TestFolder folder("dicom-place");
  const Scan scan = SmallHead();
  WriteSeries(folder.path(), Slices());
  const auto found = FindDicomSeries(folder.path(), {});
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_THAT(found->series, SizeIs(1));
  EXPECT_THAT(found->refused, IsEmpty());
  EXPECT_EQ(found->series[0].sequence, MriSequence::kT1);
  EXPECT_EQ(found->series[0].name, "IM0001 (16 files)");
  std::vector<std::filesystem::path> files;
  for (const SliceHeader& slice : found->series[0].stack.slices) files.push_back(slice.file);
  std::reverse(files.begin(), files.end());
  const auto read = ReadDicomVolume(files);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->scan.grid, scan.grid);
  for (std::size_t i = 0; i < scan.voxels.size(); ++i) ASSERT_EQ(read->scan.voxels[i], std::floor(scan.voxels[i]));
}

TEST(Dicom, ValuesAreRescaledAndMonochrome1IsTurnedOver) {
  const TestFolder folder("dicom-values");
  auto slices = Slices();
  Everywhere(slices, kSlope, "2.5");
  Everywhere(slices, {0x0028, 0x1052}, "-10");
  const auto scaled = ReadDicomVolume(WriteSeries(folder / "a", slices));
  ASSERT_TRUE(scaled.ok()) << scaled.error().message;
  EXPECT_EQ(scaled->scan.voxels[0], -10.0f);
  Everywhere(slices, kPhotometric, "MONOCHROME1");
  const auto turned = ReadDicomVolume(WriteSeries(folder / "b", slices));
  ASSERT_TRUE(turned.ok()) << turned.error().message;
  EXPECT_EQ(turned->scan.voxels[0], 500.0f);  // 200 * 2.5 - 10 - (-10)
}

TEST(Dicom, MissingSlicesAndTwoAtOnePlaceAreRefused) {
  auto slices = Slices();
  slices.erase(slices.begin() + 5);
  EXPECT_THAT(Reasons(slices), ElementsAre(AllOf(HasSubstr("6.00 mm apart"), HasSubstr("slices are missing"))));
  slices = Slices();
  slices[4].texts[kPosition] = slices[5].texts[kPosition];
  EXPECT_THAT(Reasons(slices), ElementsAre(HasSubstr("at one place")));
  slices = Slices();
  slices.resize(2);
  EXPECT_THAT(Reasons(slices), ElementsAre(HasSubstr("at least 3 make a volume")));
}

TEST(Dicom, ASliceThatIsThereTwiceIsDroppedWithAWarning) {
  auto slices = Slices();
  slices.push_back(slices[3]);
  const TestFolder folder("dicom-twice");
  WriteSeries(folder.path(), slices);
  const auto found = FindDicomSeries(folder.path(), {});
  ASSERT_TRUE(found.ok());
  ASSERT_THAT(found->series, SizeIs(1));
  EXPECT_THAT(found->series[0].stack.slices, SizeIs(16));
  EXPECT_THAT(found->series[0].stack.warnings, ElementsAre("1 slices were there twice"));
}

TEST(Dicom, TwoPatientsInOneSeriesAreRefusedWithoutTheirNames) {
  auto slices = Slices();
  slices[7].texts[kPatient] = "P2";
  slices[7].texts[kName] = "SECRET^NAME";
  const auto reasons = Reasons(slices);
  ASSERT_THAT(reasons, ElementsAre("slices of two patients in one series"));
}

TEST(Dicom, AnotherModalityMultiFrameAndScreenShotsAreRefused) {
  auto slices = Slices();
  Everywhere(slices, kModality, "CT");
  EXPECT_THAT(Reasons(slices), ElementsAre("modality \"CT\", wanted MR"));
  slices = Slices();
  Everywhere(slices, kSopClass, "1.2.840.10008.5.1.4.1.1.4.1");
  EXPECT_THAT(Reasons(slices), ElementsAre(HasSubstr("enhanced multi-frame")));
  Everywhere(slices, kSopClass, "1.2.840.10008.5.1.4.1.1.7");
  EXPECT_THAT(Reasons(slices), ElementsAre(HasSubstr("screen shot")));
  slices = Slices();
  Everywhere(slices, kBurnedIn, "YES");
  EXPECT_THAT(Reasons(slices), ElementsAre(HasSubstr("burned into the pixels")));
  slices = Slices();
  Everywhere(slices, kOrientation, "1\\0\\0");
  EXPECT_THAT(Reasons(slices), ElementsAre(HasSubstr("no place in space")));
}

TEST(Dicom, ATiltedSeriesAndALocaliserAreRefused) {
  auto slices = Slices();
  for (std::size_t i = 0; i < slices.size(); ++i)
    slices[i].texts[kPosition] = "-60\\" + std::to_string(-70.0 + 0.5 * static_cast<double>(i)) + "\\" +
                                 std::to_string(-20.0 + 3.0 * static_cast<double>(i));
  EXPECT_THAT(Reasons(slices), ElementsAre(HasSubstr("tilted")));
  slices = Slices();
  slices.resize(4);
  slices[2].texts[kOrientation] = slices[3].texts[kOrientation] = "0\\1\\0\\0\\0\\1";
  EXPECT_THAT(Reasons(slices), ElementsAre(HasSubstr("2 slices"), HasSubstr("2 slices")));
}

TEST(Dicom, FilesThatAreNoDicomAndPixelsCutOffAreSaid) {
  const TestFolder folder("dicom-cut");
  const auto files = WriteSeries(folder.path(), Slices());
  WriteText(folder / "notes.txt", "no DICOM");
  const auto found = FindDicomSeries(folder.path(), {});
  ASSERT_TRUE(found.ok());
  ASSERT_THAT(found->refused, SizeIs(1));
  EXPECT_EQ(found->refused[0].name, "notes.txt");
  std::string cut = ReadText(files[3]);
  cut.resize(cut.size() - 1000);
  WriteText(files[3], cut);
  const auto read = ReadDicomVolume(files);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr(files[3].filename().string()));
}

TEST(Dicom, AnUnknownTransferSyntaxIsRefused) {
  const TestFolder folder("dicom-syntax");
  const auto files = WriteSeries(folder.path(), Slices());
  std::string bytes = ReadText(files[2]);
  WriteText(files[2], Replaced(bytes, "1.2.840.10008.1.2.1", "1.2.840.10008.9.9.9"));
  const auto read = ReadDicomVolume(files);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr(files[2].filename().string()));
}

TEST(Dicom, WritingInTheFrameIsFound) {
  Scan scan = SmallHead();
  EXPECT_FALSE(LooksWrittenOn(scan));
  for (std::size_t z = 0; z < scan.grid.size[2]; ++z)
    for (std::size_t i = 0; i < 30; ++i) scan.voxels[Offset(scan.grid, 2 + i, 2 + i % 2 * 2, z)] = 250.0f;
  EXPECT_TRUE(LooksWrittenOn(scan));
  const TestFolder folder("dicom-writing");
  const auto read = ReadDicomVolume(WriteSeries(folder.path(), SlicesOf(scan, "1.2.3.4")));
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("identity burned in?"));
}

TEST(Dicom, IdentityTagsAreListedByNameNeverByValue) {
  const TestFolder folder("dicom-identity");
  auto slices = Slices();
  slices[0].texts[{0x0029, 0x1010}] = "SECRET";
  const auto files = WriteSeries(folder.path(), slices);
  const auto tags = IdentityTags(files[0]);
  ASSERT_TRUE(tags.ok()) << tags.error().message;
  EXPECT_THAT(*tags, Contains("PatientName (0010,0010)"));
  EXPECT_THAT(*tags, Contains("private group 0029"));
  EXPECT_THAT(*tags, Not(Contains(HasSubstr("TEST"))));
  EXPECT_THAT(*tags, Not(Contains(HasSubstr("SECRET"))));
}

TEST(Dicom, TheDigestOfASeriesDoesNotHangOnTheOrderOfItsFiles) {
  const TestFolder folder("dicom-digest");
  auto files = WriteSeries(folder.path(), Slices());
  const auto one = SeriesDigest({MriSequence::kT1, files});
  std::reverse(files.begin(), files.end());
  const auto other = SeriesDigest({MriSequence::kT1, files});
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_EQ(*one, *other);
  const auto read = ReadSeries({MriSequence::kT1, files});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->digest, *one);
}

SliceHeader Header(double repetition, double echo, double inversion, const std::string& text) {
  SliceHeader slice;
  slice.repetition_ms = repetition;
  slice.echo_ms = echo;
  if (inversion > 0) slice.inversion_ms = inversion;
  slice.description = text;
  return slice;
}

TEST(DicomSequence, TimesAndTextsTellTheSequence) {
  EXPECT_EQ(*TellSequence(Header(500, 10, 0, "t1_se_tra"), {}), MriSequence::kT1);
  EXPECT_EQ(*TellSequence(Header(2300, 3, 900, "MPRAGE"), {}), MriSequence::kT1);
  EXPECT_EQ(*TellSequence(Header(5000, 90, 0, "T2 TSE"), {}), MriSequence::kT2);
  EXPECT_EQ(*TellSequence(Header(9000, 120, 2500, "tirm dark fluid"), {}), MriSequence::kFlair);
  EXPECT_EQ(*TellSequence(Header(5000, 90, 0, ""), {}), MriSequence::kT2);
  SliceHeader untimed;
  untimed.description = "Ax T2 FLAIR";
  EXPECT_EQ(*TellSequence(untimed, {}), MriSequence::kFlair);
}

TEST(DicomSequence, TheContrastAgentMakesAT1AContrastT1) {
  SliceHeader slice = Header(500, 10, 0, "t1_se_tra");
  slice.contrast = true;
  EXPECT_EQ(*TellSequence(slice, {}), MriSequence::kT1Contrast);
  slice = Header(500, 10, 0, "t1 post gado");
  EXPECT_EQ(*TellSequence(slice, {}), MriSequence::kT1Contrast);
  slice.contrast = false;
  EXPECT_THAT(TellSequence(slice, {}).error().message, HasSubstr("says none"));
  SliceHeader flair = Header(9000, 120, 2500, "FLAIR");
  flair.contrast = true;  // given before: still a FLAIR
  EXPECT_EQ(*TellSequence(flair, {}), MriSequence::kFlair);
}

TEST(DicomSequence, DoubtsAndDerivedSeriesAreLeftToTheDataManager) {
  EXPECT_THAT(TellSequence(Header(5000, 90, 0, "t1_se"), {}).error().message, HasSubstr("different sequences"));
  EXPECT_THAT(TellSequence(Header(3000, 40, 0, "PD"), {}).error().message, HasSubstr("neither"));
  EXPECT_THAT(TellSequence(Header(5000, 90, 0, "ep2d_diff b1000"), {}).error().message, HasSubstr("diffusion"));
  EXPECT_THAT(TellSequence(Header(500, 10, 0, "localizer"), {}).error().message, HasSubstr("localiser"));
  SliceHeader slice = Header(500, 10, 0, "t1");
  slice.image_type = {"DERIVED", "SECONDARY", "MPR"};
  EXPECT_THAT(TellSequence(slice, {}).error().message, HasSubstr("derived (MPR)"));
}

TEST(DicomSequence, ExceptionsComeFirstAndAreCheckedByLine) {
  const auto exceptions = ParseSequenceExceptions("# the old scanner\nPD\tT2w\r\nt1_se_tra\tignore\n");
  ASSERT_TRUE(exceptions.ok()) << exceptions.error().message;
  EXPECT_EQ(*TellSequence(Header(3000, 40, 0, "PD"), *exceptions), MriSequence::kT2);
  EXPECT_THAT(TellSequence(Header(500, 10, 0, "t1_se_tra"), *exceptions).error().message, HasSubstr("an exception"));
  EXPECT_THAT(ParseSequenceExceptions("a\tT2w\nb T1w\n").error().message, HasSubstr("line 2"));
  EXPECT_THAT(ParseSequenceExceptions("a\tT3w\n").error().message, HasSubstr("line 1"));
}

TEST(DicomSequence, ThreeDimensionsThenThinSlicesAreChosenAndSaid) {
  DicomFolder folder;
  for (const auto& [name, dimensions, step] : std::vector<std::tuple<std::string, std::string, double>>{
           {"a", "2D", 1.0}, {"b", "3D", 2.0}, {"c", "3D", 1.0}}) {
    FoundSeries series{name, MriSequence::kT2, {}};
    series.stack.grid.spacing[2] = step;
    series.stack.slices.emplace_back().dimensions = dimensions;
    folder.series.push_back(series);
  }
  const ChosenSeries chosen = ChooseSeries(folder);
  ASSERT_TRUE(chosen.series.contains(MriSequence::kT2));
  EXPECT_EQ(chosen.series.at(MriSequence::kT2)->name, "c");
  EXPECT_THAT(chosen.choices, ElementsAre("T2w: c was taken rather than b", "T2w: c was taken rather than a"));
  for (FoundSeries& series : folder.series) series.sequence = MriSequence::kT1;
  const ChosenSeries doubt = ChooseSeries(folder);
  EXPECT_FALSE(doubt.series.contains(MriSequence::kT1));
  EXPECT_THAT(doubt.choices, ElementsAre(HasSubstr("several T1 and no contrast T1")));
}

}  // namespace
}  // namespace fedtrial::imaging
