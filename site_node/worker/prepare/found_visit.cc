#include "site_node/worker/prepare/found_visit.h"

#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sstream>

#include "security/crypto/sha256.h"
#include "site_node/cohort/scan_names.h"
#include "site_node/imaging/dicom_folder.h"
#include "site_node/imaging/read_series.h"

namespace fedtrial::site {
namespace {

namespace fs = std::filesystem;

Result<imaging::SequenceExceptions> ReadExceptions(const fs::path& data_folder) {
  const fs::path file = data_folder / kDicomFolder / "sequences.tsv";
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return imaging::SequenceExceptions{};
  std::ostringstream text;
  text << stream.rdbuf();
  auto exceptions = imaging::ParseSequenceExceptions(text.str());
  if (!exceptions.ok()) return exceptions.error().In("sourcedata/sequences.tsv");
  return exceptions;
}

Status AddDicom(const fs::path& folder, const fs::path& data_folder,
                std::map<MriSequence, std::vector<fs::path>>& series, std::vector<std::string>& notes) {
  ASSIGN_OR_RETURN(const imaging::SequenceExceptions exceptions, ReadExceptions(data_folder));
  ASSIGN_OR_RETURN(const imaging::DicomFolder found, imaging::FindDicomSeries(folder, exceptions));
  for (const imaging::RefusedSeries& refused : found.refused)
    notes.push_back(fmt::format("{}: {}", refused.name, refused.reason));
  imaging::ChosenSeries chosen = imaging::ChooseSeries(found);
  for (std::string& choice : chosen.choices) notes.push_back(std::move(choice));
  for (const auto& [sequence, which] : chosen.series) {
    std::vector<fs::path> files;
    for (const imaging::SliceHeader& slice : which->stack.slices) files.push_back(slice.file);
    series.try_emplace(sequence, std::move(files));
  }
  return {};
}

}  // namespace

Result<FoundVisit> FindSeries(const VisitFiles& files, const fs::path& data_folder) {
  FoundVisit found;
  std::map<MriSequence, std::vector<fs::path>> series;
  for (const auto& [sequence, file] : files.raw) series[sequence] = {file};
  if (files.dicom) RETURN_IF_ERROR(AddDicom(*files.dicom, data_folder, series, found.notes));
  for (auto& [sequence, paths] : series) found.input.series.push_back({sequence, std::move(paths)});
  found.input.lesion = files.raw_lesion;
  if (!found.input.series.empty()) return found;
  std::string why;
  for (const std::string& note : found.notes) why += "; " + note;
  return Error{ErrorCode::kInvalidInput, "nothing of the visit is a series that can be used" + why};
}

Result<std::vector<Digest>> ContentDigests(const imaging::VisitInput& input) {
  std::vector<Digest> digests;
  for (const imaging::SeriesInput& series : input.series) {
    ASSIGN_OR_RETURN(const Digest digest, imaging::SeriesDigest(series));
    digests.push_back(
        Sha256(ByteWriter().Label("fl/series/v1").U8(static_cast<std::uint8_t>(series.sequence)).Raw(digest).bytes()));
  }
  Digest lesion{};
  if (input.lesion) {
    ASSIGN_OR_RETURN(lesion, imaging::SeriesDigest({MriSequence::kT1Contrast, {*input.lesion}}));
  }
  digests.push_back(lesion);
  return digests;
}

}  // namespace fedtrial::site
