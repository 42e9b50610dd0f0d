#include "site_node/cohort/scan_names.h"

#include <algorithm>

namespace fedtrial::site {

bool IsLabel(std::string_view text) {
  return !text.empty() && text.front() != '.' && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

std::string_view ScanStem(std::string_view name) {
  for (const std::string_view ending : {".nii.gz", ".nii"})
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  return {};
}

bool IsMaskStem(std::string_view stem) { return stem.ends_with("mask") || stem.ends_with("dseg"); }

std::optional<MriSequence> SequenceOfStem(std::string_view stem) {
  if (stem.ends_with("_T1w"))
    return stem.find("_ce-") == std::string_view::npos ? MriSequence::kT1 : MriSequence::kT1Contrast;
  if (stem.ends_with("_T2w")) return MriSequence::kT2;
  if (stem.ends_with("_FLAIR")) return MriSequence::kFlair;
  return std::nullopt;
}

std::vector<std::filesystem::path> SortedEntries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> entries;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) entries.push_back(entry.path());
  std::ranges::sort(entries);
  return entries;
}

std::optional<std::filesystem::path> LesionMaskIn(const std::filesystem::path& folder) {
  for (const std::filesystem::path& file : SortedEntries(folder)) {
    const std::string name = file.filename().string();
    if (IsMaskStem(ScanStem(name)) && name.find("brain") == std::string::npos) return file;
  }
  return std::nullopt;
}

}  // namespace fedtrial::site
