#include "site_node/cohort/volume_files.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <tuple>

#include "security/crypto/sha256.h"
#include "site_node/cohort/numbers.h"
#include "site_node/cohort/scan_names.h"

namespace fedtrial::site {
namespace {

constexpr double kWindowDays = 14.0;  // of a visit around its planned day
constexpr std::uint64_t kMaxSessionsBytes = 1 << 20;

class Lister {
 public:
  Lister(const std::filesystem::path& folder, std::string_view patient, const DayReader& days, FindingList& findings)
      : folder_(folder),
        patient_(patient),
        subject_(patient.starts_with("sub-") ? std::string(patient) : fmt::format("sub-{}", patient)),
        days_(days),
        findings_(findings) {}

  std::vector<VolumeFile> List(const PreparedVisits* prepared) {
    FindFiles();
    if (prepared != nullptr) TakePrepared(*prepared);
    std::vector<VolumeFile> files;
    if (volumes_.empty()) return files;
    ReadSessions();
    for (auto& [place, file] : volumes_)
      if (SetDay(file)) files.push_back(std::move(file));
    std::ranges::sort(files, {}, [](const VolumeFile& f) { return std::make_tuple(f.id.day, f.id.sequence, f.path); });
    return files;
  }

  // Sessions with scans of any kind, and their days.
  std::map<std::string, std::optional<double>> Sessions() {
    FindFiles();
    std::set<std::string> sessions = dicom_;
    for (const auto& [place, file] : volumes_) sessions.insert(place.first);
    ReadSessions();
    std::map<std::string, std::optional<double>> days;
    for (const std::string& session : sessions) days[session] = DayOf(session);
    return days;
  }

 private:
  void Find(std::string file, std::size_t line, std::string message, std::string wanted,
            Severity severity = Severity::kError) {
    findings_.Add({.severity = severity,
                   .file = std::move(file),
                   .line = line,
                   .column = 0,
                   .name = "",
                   .value = "",
                   .message = std::move(message),
                   .wanted = std::move(wanted)});
  }

  void FindFiles() {
    AddSessions(subject_);
    AddSessions(fmt::format("{}/{}", kPreparedFolder, subject_));
    for (const std::filesystem::path& session : SortedEntries(folder_ / kDicomFolder / subject_))
      if (session.filename().string().starts_with("ses-") && !SortedEntries(session).empty())
        dicom_.insert(session.filename().string());
  }

  // What was prepared takes the place of what it was made from; what wasn't stays, marked.
  void TakePrepared(const PreparedVisits& prepared) {
    std::set<std::string> sessions = dicom_;
    for (auto& [place, file] : volumes_) {
      file.prepared = false;
      sessions.insert(place.first);
    }
    for (const std::string& session : sessions) {
      const auto keys = prepared.Of(subject_, session);
      for (const auto& [sequence, key] : keys) {
        VolumeFile& file = volumes_[{session, sequence}];
        file.id = {sequence, 0.0, key};
        file.session = session.substr(4);
        file.path = fmt::format("{}/{}/{}", subject_, session, key);
        file.bytes = 0;
        file.prepared = true;
      }
      if (keys.empty() && dicom_.contains(session)) {
        VolumeFile& series = volumes_[{session, MriSequence::kT1}];  // whichever it is, nobody reads it
        if (series.path.empty()) series.path = fmt::format("{}/{}/{}", kDicomFolder, subject_, session);
        series.session = session.substr(4);
        series.prepared = false;
      }
    }
  }

  void AddSessions(const std::string& subject) {
    for (const std::filesystem::path& session : SortedEntries(folder_ / subject)) {
      const std::string name = session.filename().string();
      if (!name.starts_with("ses-")) continue;
      std::map<MriSequence, VolumeFile> found;
      for (const std::filesystem::path& file : SortedEntries(session / "anat"))
        AddFile(fmt::format("{}/{}/anat/{}", subject, name, file.filename().string()), name, found);
      for (auto& [sequence, file] : found) volumes_[{name, sequence}] = std::move(file);
    }
  }

  void AddFile(const std::string& path, const std::string& session, std::map<MriSequence, VolumeFile>& found) {
    const std::string_view stem = ScanStem(std::string_view(path).substr(path.rfind('/') + 1));
    const auto sequence = SequenceOfStem(stem);
    if (stem.empty() || IsMaskStem(stem)) return;
    if (!stem.starts_with(fmt::format("{}_{}_", subject_, session)))
      return Find(path, 0, "the name is of another patient or session than its folder",
                  fmt::format("{}_{}_...", subject_, session));
    if (!sequence)
      return Find(path, 0, "the name tells no sequence: the volume isn't read", "..._T1w, _ce-gd_T1w, _T2w or _FLAIR",
                  Severity::kWarning);
    if (found.contains(*sequence))
      return Find(path, 0, fmt::format("a second {} of this session: the first is read", ToString(*sequence)),
                  found[*sequence].path, Severity::kWarning);
    std::error_code error;
    const auto bytes = std::filesystem::file_size(folder_ / path, error);
    if (error || bytes == 0) return Find(path, 0, "the file is empty or can't be read", "a NIfTI volume");
    VolumeFile& added = found[*sequence];
    added.id = {*sequence, 0.0, VolumeKey(path)};
    added.session = session.substr(4);
    added.path = path;
    added.bytes = bytes;
  }

  void ReadSessions() {
    for (const std::string& name : {fmt::format("{}_sessions.tsv", subject_), std::string("sessions.tsv")}) {
      std::error_code error;
      sessions_file_ = fmt::format("{}/{}", subject_, name);
      if (!std::filesystem::exists(folder_ / sessions_file_, error)) continue;
      Problems problems;
      sessions_ =
          ReadTable({folder_ / sessions_file_, sessions_file_, "session_id", kMaxSessionsBytes}, problems, findings_);
      for (const Problem& problem : problems.list()) Find(problem.file, problem.line, problem.message, "a table");
      return;
    }
  }

  bool SetDay(VolumeFile& file) {
    const std::string session = "ses-" + file.session;
    const auto known = day_of_.find(session);
    if (known != day_of_.end()) {
      file.id.day = known->second.value_or(0.0);
      return known->second.has_value();
    }
    const auto day = day_of_[session] = DayOf(session);
    if (day) CheckWindow(file.session, *day);
    file.id.day = day.value_or(0.0);
    return day.has_value();
  }

  std::optional<double> DayOf(const std::string& session) {
    if (sessions_ == nullptr) {
      Find(fmt::format("{}/{}", subject_, session), 0, "nothing says the day of this session: its volumes aren't read",
           fmt::format("{}/{}_sessions.tsv with the columns session_id and day", subject_, subject_));
      return std::nullopt;
    }
    const Table& table = *sessions_;
    const auto row = table.row_of.find(session);
    const auto column =
        std::ranges::find_if(table.header, [](std::string_view name) { return name == "day" || name == "acq_time"; });
    if (row == table.row_of.end() || column == table.header.end() || table.unusable.contains(session)) {
      Find(sessions_file_, 0, fmt::format("no day of {}: its volumes aren't read", session),
           "a row of it, with the column day or acq_time");
      return std::nullopt;
    }
    const auto index = static_cast<std::size_t>(column - table.header.begin());
    const auto reading = days_.DayOf(table.field(row->second, index), patient_);
    if (!reading.day) Find(sessions_file_, table.lines[row->second], reading.why, days_.Wanted());
    return reading.day;
  }

  // BL is up to day 0, W08 about eight weeks later.
  void CheckWindow(std::string_view session, double day) {
    std::optional<double> planned;
    if (session == "BL") planned = std::min(day, 0.0);
    if (session.starts_with('W'))
      if (const auto week = ParseNumber(session.substr(1))) planned = 7.0 * *week;
    if (planned && std::abs(day - *planned) > (session == "BL" ? 0.0 : kWindowDays))
      Find(sessions_file_, 0, fmt::format("session {} is of day {}", session, day),
           session == "BL" ? std::string("a day up to 0")
                           : fmt::format("day {} to {}", *planned - kWindowDays, *planned + kWindowDays),
           Severity::kWarning);
  }

  const std::filesystem::path& folder_;
  std::string_view patient_;
  std::string subject_;
  const DayReader& days_;
  FindingList& findings_;
  std::map<std::pair<std::string, MriSequence>, VolumeFile> volumes_;
  std::set<std::string> dicom_;  // sessions
  std::string sessions_file_;
  std::unique_ptr<Table> sessions_;
  std::map<std::string, std::optional<double>> day_of_;
};

}  // namespace

std::string VolumeKey(std::string_view path) {
  return ToHex(Sha256(ByteWriter().Label("fl/volume/v1").Enc(path).bytes()));
}

std::vector<VolumeFile> ListVolumes(const std::filesystem::path& folder, std::string_view patient,
                                    const DayReader& days, FindingList& findings, const PreparedVisits* prepared) {
  if (!IsLabel(patient)) return {};
  return Lister(folder, patient, days, findings).List(prepared);
}

std::map<std::string, std::optional<double>> ListSessions(const std::filesystem::path& folder, std::string_view patient,
                                                          const DayReader& days, FindingList& findings) {
  if (!IsLabel(patient)) return {};
  return Lister(folder, patient, days, findings).Sessions();
}

VolumeFiller::VolumeFiller(const Plan& plan, std::filesystem::path folder, const DayReader& days, FindingList& findings,
                           const PreparedVisits* prepared)
    : folder_(std::move(folder)), days_(days), findings_(findings), prepared_(prepared) {
  const auto images = std::ranges::find(plan.blocks, BlockKind::kMri, &Block::kind);
  if (images != plan.blocks.end()) block_ = images->name;
}

void VolumeFiller::Fill(Sample& sample, CohortReading& reading) {
  if (block_.empty()) return;
  const std::vector<VolumeFile> files = ListVolumes(folder_, sample.key, days_, findings_, prepared_);
  if (sample.course && sample.course->died && !files.empty() && files.back().id.day > sample.course->last_day) {
    findings_.Add({.file = files.back().path,
                   .line = 0,
                   .column = 0,
                   .name = "",
                   .value = fmt::format("day {}", files.back().id.day),
                   .message = "a scan after the patient's death",
                   .wanted = "a day up to the death"});
    ++reading.left_out_of[block_];
    return;
  }
  ByteWriter listed;
  for (const VolumeFile& file : files) {
    if (!file.prepared) {
      ++reading.unprepared_volumes;
      continue;
    }
    sample.volumes.push_back(file.id);
    listed.Enc(file.path).U64(file.bytes).U64(std::bit_cast<std::uint64_t>(file.id.day));
  }
  const Bytes bytes = listed.Take();
  listed_.insert(listed_.end(), bytes.begin(), bytes.end());
}

Digest VolumeFiller::DigestWith(const Digest& tables) const {
  if (block_.empty()) return tables;
  return Sha256(ByteWriter().Label("fl/cohort/volumes/v1").Raw(tables).Enc(listed_).bytes());
}

}  // namespace fedtrial::site
