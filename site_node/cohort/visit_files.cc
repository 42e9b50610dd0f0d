#include "site_node/cohort/visit_files.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "common/base/problems.h"
#include "security/crypto/sha256.h"
#include "site_node/cohort/days.h"
#include "site_node/cohort/finding_list.h"
#include "site_node/cohort/scan_names.h"
#include "site_node/cohort/source.h"
#include "site_node/cohort/volume_files.h"

namespace fedtrial::site {
namespace {

using std::filesystem::path;

// The scans of one folder by sequence.
std::map<MriSequence, path> ScansIn(const path& folder, const std::string& prefix) {
  std::map<MriSequence, path> scans;
  for (const path& file : SortedEntries(folder)) {
    const std::string name = file.filename().string();
    const std::string_view stem = ScanStem(name);
    if (!stem.starts_with(prefix) || IsMaskStem(stem)) continue;
    if (const auto sequence = SequenceOfStem(stem)) scans.try_emplace(*sequence, file);
  }
  return scans;
}

void Stamp(const path& place, ByteWriter& writer) {
  std::error_code error;
  std::vector<path> files;
  if (std::filesystem::is_regular_file(place, error)) files.push_back(place);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(place, error))
    if (entry.is_regular_file(error)) files.push_back(entry.path());
  std::ranges::sort(files);
  for (const path& file : files)
    writer.Enc(file.lexically_relative(place).string())
        .U64(std::filesystem::file_size(file, error))
        .U64(static_cast<std::uint64_t>(std::filesystem::last_write_time(file, error).time_since_epoch().count()));
  writer.U64(files.size());
}

// Folders of patients, wherever they have scans.
std::set<std::string> SubjectsIn(const path& folder) {
  std::set<std::string> subjects;
  for (const path& place : {folder, folder / kPreparedFolder, folder / kDicomFolder})
    for (const path& entry : SortedEntries(place)) {
      const std::string name = entry.filename().string();
      if (name.starts_with("sub-") && IsLabel(name)) subjects.insert(name);
    }
  return subjects;
}

std::string SubjectOf(std::string_view patient) {
  return patient.starts_with("sub-") ? std::string(patient) : fmt::format("sub-{}", patient);
}

}  // namespace

VisitFiles FindVisitFiles(const path& folder, const std::string& subject, const std::string& session) {
  const path visit = path(subject) / session;
  const std::string prefix = fmt::format("{}_{}_", subject, session);
  VisitFiles files;
  files.raw = ScansIn(folder / visit / "anat", prefix);
  files.raw_lesion = LesionMaskIn(folder / kMasksFolder / visit / "anat");
  if (!files.raw_lesion) files.raw_lesion = LesionMaskIn(folder / visit / "anat");
  files.prepared = ScansIn(folder / kPreparedFolder / visit / "anat", prefix);
  files.prepared_lesion = LesionMaskIn(folder / kPreparedFolder / visit / "anat");
  if (const path dicom = folder / kDicomFolder / visit; !SortedEntries(dicom).empty()) files.dicom = dicom;
  ByteWriter writer;
  for (const path& place : {visit / "anat", path(kPreparedFolder) / visit, path(kMasksFolder) / visit,
                            path(kDicomFolder) / visit, path(kDicomFolder) / "sequences.tsv"})
    Stamp(folder / place, writer);
  files.stamp = ToHex(Sha256(writer.bytes()));
  return files;
}

Result<std::vector<VisitDay>> ListVisits(const Plan& plan, const path& folder, const CohortOptions& options,
                                         const std::vector<std::string>& patients) {
  Problems problems;
  FindingList findings;
  Source source(folder, options, problems, findings);
  const Table* participants = source.Participants();
  const DayReader days = DayReader::Read(plan, source, findings);
  if (!problems.empty()) return problems.ToStatus().error().In(fmt::format("data folder {}", folder.string()));
  std::map<std::string, std::string> patient_of;  // a subject's name in the tables
  for (const std::size_t row : participants->patient_rows) {
    const std::string patient(participants->field(row, participants->id_column));
    patient_of.emplace(SubjectOf(patient), patient);
  }

  std::set<std::string> wanted;
  for (const std::string& patient : patients) wanted.insert(SubjectOf(patient));
  std::vector<VisitDay> visits;
  for (const std::string& subject : SubjectsIn(folder)) {
    if (!patients.empty() && wanted.erase(subject) == 0) continue;
    const auto known = patient_of.find(subject);
    std::vector<VisitDay> of_subject;
    for (const auto& [session, day] :
         ListSessions(folder, known == patient_of.end() ? subject : known->second, days, findings))
      of_subject.push_back({subject, session, day});
    std::ranges::stable_sort(of_subject, {}, [](const VisitDay& visit) {
      return std::pair(!visit.day.has_value(), visit.day.value_or(0.0));
    });
    visits.insert(visits.end(), of_subject.begin(), of_subject.end());
  }
  if (!wanted.empty())
    return Error{ErrorCode::kInvalidInput, fmt::format("the data folder has no scans of {}", *wanted.begin())};
  return visits;
}

}  // namespace fedtrial::site
