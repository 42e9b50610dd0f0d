#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "model/samples/volume.h"

namespace fedtrial::site {

// How BIDS names scans.
inline constexpr std::string_view kPreparedFolder = "derivatives/preproc";
inline constexpr std::string_view kMasksFolder = "derivatives/seg";
inline constexpr std::string_view kDicomFolder = "sourcedata";

// A pseudonym or session that can name a folder and nothing above it.
bool IsLabel(std::string_view text);
// The name without .nii or .nii.gz; empty if it is another kind of file.
std::string_view ScanStem(std::string_view name);
bool IsMaskStem(std::string_view stem);
// "..._T1w", "..._ce-gd_T1w", "..._T2w", "..._FLAIR".
std::optional<MriSequence> SequenceOfStem(std::string_view stem);
// The first mask of the folder, by name, that isn't one of the brain.
std::optional<std::filesystem::path> LesionMaskIn(const std::filesystem::path& folder);
// By name; empty where there is no such folder.
std::vector<std::filesystem::path> SortedEntries(const std::filesystem::path& folder);

}  // namespace fedtrial::site
