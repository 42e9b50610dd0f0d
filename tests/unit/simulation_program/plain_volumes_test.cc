#include "tests/simulation/program/plain_volumes.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace fedtrial::sim {
namespace {

TEST(PlainVolumes, AreNamedByTheirPathsAndRawScansAreNone) {
  const auto folder = std::filesystem::temp_directory_path() / ("fedtrial-plain-" + std::to_string(getpid()));
  const auto anat = folder / "derivatives/preproc/sub-p1/ses-BL/anat";
  const auto raw = folder / "sub-p1/ses-BL/anat";
  std::filesystem::create_directories(anat);
  std::filesystem::create_directories(raw);
  for (const auto& file : {anat / "sub-p1_ses-BL_space-Colin27_desc-preproc_FLAIR.nii",
                           anat / "sub-p1_ses-BL_space-Colin27_desc-lesion_mask.nii", raw / "sub-p1_ses-BL_T1w.nii.gz"})
    std::ofstream(file) << "no volume";
  const auto keys = PlainVisits(folder).Of("sub-p1", "ses-BL");
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys.at(MriSequence::kFlair), (anat / "sub-p1_ses-BL_space-Colin27_desc-preproc_FLAIR.nii").string());
  const auto volume = OpenPlainVolumes({})->Load({MriSequence::kFlair, 0.0, keys.at(MriSequence::kFlair)});
  ASSERT_FALSE(volume.ok());
  EXPECT_EQ(volume.error().code, ErrorCode::kInvalidInput);
  EXPECT_TRUE(PlainVisits(folder).Of("sub-p1", "ses-W08").empty());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace fedtrial::sim
