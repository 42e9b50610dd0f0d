#include "site_node/imaging/dicom_folder.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <tuple>

namespace fedtrial::imaging {

namespace {

Error Refused(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

Result<std::vector<std::filesystem::path>> FilesBelow(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code failure;
  std::filesystem::recursive_directory_iterator entries(folder, failure);
  for (; !failure && entries != std::filesystem::recursive_directory_iterator(); entries.increment(failure))
    if (entries->is_regular_file(failure)) files.push_back(entries->path());
  if (failure) return Refused("the DICOM folder can't be read: " + failure.message());
  std::sort(files.begin(), files.end());
  return files;
}

// Slices that may form one volume have the same key.
std::string GroupKey(const SliceHeader& slice) {
  std::string key = fmt::format("{}|{}|{}|{}x{}", slice.series_uid, slice.acquisition, slice.echo_ms.value_or(-1.0),
                                slice.columns, slice.rows);
  for (const std::string& type : slice.image_type) key += "|" + type;
  if (slice.orientation)
    for (const Vec3& axis : *slice.orientation)
      for (const double x : axis) key += fmt::format("|{}", std::lround(x * 1000.0));
  return key;
}

std::string NameOf(const std::filesystem::path& folder, const std::vector<SliceHeader>& slices) {
  return fmt::format("{} ({} files)", slices.front().file.lexically_relative(folder).generic_string(), slices.size());
}

void Settle(const std::filesystem::path& folder, std::vector<SliceHeader> slices, const SequenceExceptions& exceptions,
            DicomFolder& out) {
  FoundSeries found{.name = NameOf(folder, slices), .sequence = MriSequence::kT1, .stack = {}};
  const auto refuse = [&](const Error& why) { out.refused.push_back({found.name, why.message}); };
  for (const SliceHeader& slice : slices)
    if (const Status fit = CheckSlice(slice); !fit.ok()) return refuse(fit.error());
  const Result<MriSequence> sequence = TellSequence(slices.front(), exceptions);
  if (!sequence.ok()) return refuse(sequence.error());
  Result<SliceStack> stack = StackSlices(std::move(slices));
  if (!stack.ok()) return refuse(stack.error());
  found.sequence = *sequence;
  found.stack = std::move(stack).value();
  out.series.push_back(std::move(found));
}

// Better candidates first.
bool Before(const FoundSeries* a, const FoundSeries* b) {
  const auto rank = [](const FoundSeries& s) {
    return std::tuple(s.stack.slices.front().dimensions != "3D", s.stack.grid.spacing[2]);
  };
  if (rank(*a) != rank(*b)) return rank(*a) < rank(*b);
  return a->stack.slices.front().acquisition_time > b->stack.slices.front().acquisition_time;
}

}  // namespace

Result<DicomFolder> FindDicomSeries(const std::filesystem::path& folder, const SequenceExceptions& exceptions) {
  ASSIGN_OR_RETURN(const std::vector<std::filesystem::path> files, FilesBelow(folder));
  DicomFolder out;
  std::map<std::string, std::vector<SliceHeader>> groups;
  std::vector<std::string> order;               // of the first file of each
  std::map<std::string, std::string> patients;  // of each series: a second one spoils it
  std::map<std::string, bool> mixed;
  for (const auto& file : files) {
    Result<SliceHeader> slice = ReadSliceHeader(file);
    if (!slice.ok()) {
      out.refused.push_back({file.lexically_relative(folder).generic_string(), "not a DICOM file that can be read"});
      continue;
    }
    const auto [patient, first] = patients.emplace(slice->series_uid, slice->patient);
    if (!first && patient->second != slice->patient) mixed[slice->series_uid] = true;
    const std::string key = GroupKey(*slice);
    if (!groups.contains(key)) order.push_back(key);
    groups[key].push_back(std::move(slice).value());
  }
  for (const std::string& key : order) {
    std::vector<SliceHeader>& slices = groups[key];
    if (mixed.contains(slices.front().series_uid))
      out.refused.push_back({NameOf(folder, slices), "slices of two patients in one series"});
    else
      Settle(folder, std::move(slices), exceptions, out);
  }
  return out;
}

ChosenSeries ChooseSeries(const DicomFolder& folder) {
  std::map<MriSequence, std::vector<const FoundSeries*>> candidates;
  for (const FoundSeries& series : folder.series) candidates[series.sequence].push_back(&series);
  ChosenSeries chosen;
  if (candidates[MriSequence::kT1].size() > 1 && candidates[MriSequence::kT1Contrast].empty()) {
    chosen.choices.push_back("several T1 and no contrast T1: name the one with the agent in the exceptions");
    candidates.erase(MriSequence::kT1);
  }
  for (auto& [sequence, list] : candidates) {
    if (list.empty()) continue;
    std::stable_sort(list.begin(), list.end(), Before);
    chosen.series[sequence] = list.front();
    for (std::size_t i = 1; i < list.size(); ++i)
      chosen.choices.push_back(
          fmt::format("{}: {} was taken rather than {}", ToString(sequence), list.front()->name, list[i]->name));
  }
  return chosen;
}

}  // namespace fedtrial::imaging
