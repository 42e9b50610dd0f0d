#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>

#include "gtest/gtest.h"
#include "tests/simulation/cohort/generate.h"
#include "tests/simulation/cohort/images/template_head.h"
#include "tests/unit/simulation_cohort/cohort_folder.h"

namespace fedtrial::sim {
namespace {

const CohortParameters& Published() {
  static const CohortParameters parameters = [] {
    auto read = PublishedCohortParameters();
    EXPECT_TRUE(read.ok()) << read.error().message;
    return std::move(read).value();
  }();
  return parameters;
}

CohortSettings Small() {
  CohortSettings settings;
  settings.patients = 6;
  settings.sites = 2;
  settings.signal = Signal::kMri;
  return settings;
}

std::map<std::string, std::string> Generated(const CohortSettings& settings) {
  const TestFolder folder;
  const auto images = OpenImageWriter();
  EXPECT_TRUE(images.ok()) << images.error().message;
  if (!images.ok()) return {};
  const Status written =
      GenerateCohort(Published(), settings, SimulateCohort(Published(), settings), folder / "cohort", images->get());
  EXPECT_TRUE(written.ok()) << written.error().message;
  return FilesOf(folder / "cohort");
}

// A plain NIfTI-1 file: 352 bytes of header, then the voxels.
std::vector<float> FloatsOf(const std::string& bytes, std::size_t edge) {
  EXPECT_EQ(bytes.size(), 352 + 4 * edge * edge * edge);
  std::vector<float> voxels(edge * edge * edge);
  std::memcpy(voxels.data(), bytes.data() + 352, 4 * voxels.size());
  return voxels;
}

// Mean of the contrast T1's scores inside the lesion mask of every prepared visit, and how many visits there are.
struct Enhancement {
  double mean = 0.0;
  std::size_t visits = 0;
};
Enhancement EnhancementOf(const std::map<std::string, std::string>& files, const std::string& patient,
                          std::size_t edge) {
  Enhancement found;
  for (const auto& [name, bytes] : files) {
    const auto at = name.find("_ce-gd_space-Colin27_desc-preproc_T1w.nii");
    if (at == std::string::npos || name.find(patient) == std::string::npos) continue;
    const auto volume = FloatsOf(bytes, edge);
    const std::string& mask = files.at(name.substr(0, at) + "_space-Colin27_desc-lesion_mask.nii");
    double sum = 0.0, inside = 0.0;
    for (std::size_t i = 0; i < volume.size(); ++i) {
      EXPECT_TRUE(std::isfinite(volume[i]));
      if (mask[352 + i] != 1) continue;
      sum += volume[i];
      inside += 1.0;
    }
    EXPECT_GT(inside, 5.0) << name;
    found.mean += sum / inside;
    ++found.visits;
  }
  found.mean /= static_cast<double>(std::max<std::size_t>(1, found.visits));
  return found;
}

TEST(PreparedVolumes, AreThereForEveryVisitOfEveryPatientWithImages) {
  const CohortSettings settings = Small();
  const auto files = Generated(settings);
  for (const SimulatedSite& site : SimulateCohort(Published(), settings))
    for (const Patient& patient : site.patients)
      EXPECT_EQ(EnhancementOf(files, patient.id, 32).visits,
                patient.has[0] ? std::min<std::size_t>(8, patient.course.visits.size()) : 0u);
}

TEST(PreparedVolumes, HaveTheSameBytesForTheSameSeed) { EXPECT_TRUE(Generated(Small()) == Generated(Small())); }

TEST(PreparedVolumes, ShowThePlantedTextureAt32Voxels) {
  CohortSettings settings = Small();
  settings.patients = 40;
  const auto files = Generated(settings);
  std::vector<std::pair<double, double>> seen;  // texture, enhancement
  for (const SimulatedSite& site : SimulateCohort(Published(), settings))
    for (const Patient& patient : site.patients)
      if (const Enhancement found = EnhancementOf(files, patient.id, 32); found.visits > 0)
        seen.emplace_back(patient.baseline.texture, found.mean);
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  const auto n = static_cast<double>(seen.size());
  for (const auto& [texture, enhancement] : seen) {
    x += texture, y += enhancement;
    xx += texture * texture, yy += enhancement * enhancement, xy += texture * enhancement;
  }
  const double correlation = (xy - x * y / n) / std::sqrt((xx - x * x / n) * (yy - y * y / n));
  EXPECT_GT(correlation, 0.7) << n << " patients";
}

TEST(PreparedVolumes, OfHundredPatientsTakeLessThanAMinuteOfOneCore) {
  CohortSettings settings = Small();
  settings.patients = 100;
  settings.sites = 10;
  const std::clock_t start = std::clock();
  const auto files = Generated(settings);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("[ figure   ] 100 patients x 10 sites, 32^3: %.1f s of CPU, %zu files\n", seconds, files.size());
  EXPECT_LT(seconds, 60.0);
}

TEST(RawScans, AreWholeHeadsWithAMaskAndDicomWhereItIsWanted) {
  CohortSettings settings = Small();
  settings.patients = 4;
  settings.raw_visits = 1;
  settings.dicom_site = "site_02";
  const auto files = Generated(settings);
  std::map<std::string, std::size_t> count;
  for (const auto& [name, bytes] : files) {
    count["nifti"] += name.starts_with("site_01/sub-") && name.ends_with(".nii.gz");
    count["sidecars"] +=
        name.starts_with("site_01/sub-") && name.find("/anat/") != std::string::npos && name.ends_with(".json");
    count["masks"] += name.find("derivatives/seg/") != std::string::npos;
    count["nifti of the DICOM site"] += name.starts_with("site_02/sub-") && name.ends_with(".nii.gz");
    if (!name.ends_with(".dcm")) continue;
    ++count["dicom"];
    EXPECT_TRUE(name.starts_with("site_02/sourcedata/sub-")) << name;
    EXPECT_EQ(bytes.substr(128, 4), "DICM") << name;
  }
  EXPECT_EQ(count["nifti"], 4u);
  EXPECT_EQ(count["sidecars"], 4u);
  EXPECT_EQ(count["masks"], 2u);
  EXPECT_EQ(count["nifti of the DICOM site"], 0u);
  EXPECT_GT(count["dicom"], 4 * 150u);
  EXPECT_TRUE(files == Generated(settings)) << "the same bytes a second time";
}

TEST(TemplateHead, HasABrainOfABrainsVolumeAndIsRefusedIfItIsAnotherFile) {
  const auto head = LoadTemplateHead();
  ASSERT_TRUE(head.ok()) << head.error().message;
  const auto voxels = std::ranges::count(head->brain, 1);
  EXPECT_GT(voxels, 1'700'000);
  EXPECT_LT(voxels, 2'300'000);
  const TestFolder folder;
  std::ofstream(folder / "ch2.nii.gz") << "no template";
  EXPECT_NE(LoadTemplateHead(folder / "").error().message.find("SHA-256"), std::string::npos);
  EXPECT_NE(LoadTemplateHead(folder / "absent").error().message.find("mricron-data"), std::string::npos);
}

}  // namespace
}  // namespace fedtrial::sim
