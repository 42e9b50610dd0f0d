#include "site_node/archive/fetch_run.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "common/runtime/files.h"
#include "site_node/archive/dicom_object.h"
#include "site_node/archive/sessions.h"
#include "site_node/cohort/scan_names.h"

namespace fedtrial::site {
namespace {

constexpr mode_t kImageMode = 0640;
constexpr auto kFolderMode = static_cast<std::filesystem::perms>(0750);

using Kind = SeriesReport::Kind;

Error Refused(std::string why) { return {ErrorCode::kInvalidInput, std::move(why)}; }

SeriesReport Failed(const Error& why) {
  SeriesReport report;
  report.reason = why.message;
  return report;
}

Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) std::filesystem::permissions(folder, kFolderMode, error);
  if (error) return SystemError(error.value(), "make", folder);
  return {};
}

Status Empty(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (error) return SystemError(error.value(), "remove", folder);
  return {};
}

// One series on its way: checked and written image after image to a folder that isn't its own yet.
class Incoming {
 public:
  Incoming(const FetchSettings& settings, const KeyRow& patient, const ArchivedStudy& study,
           const ArchivedSeries& series)
      : folder_(IncomingFolder(settings.data_folder)),
        bounds_(settings.bounds),
        patient_(patient),
        study_(study),
        series_(series) {}
  ~Incoming() { static_cast<void>(Empty(folder_)); }

  Status Start() {
    RETURN_IF_ERROR(Empty(folder_));
    return MakeFolder(folder_);
  }

  Status Keep(const ArchivedImage& image) {
    const std::string place = fmt::format("image {}", instances_.size() + 1);
    if (image.patient_id != patient_.patient_id) return Refused(place + " is of another patient");
    if (image.study_uid != study_.uid || image.series_uid != series_.uid)
      return Refused(place + " is of another series");
    if (image.modality != "MR") return Refused(place + " isn't an MR image");
    if (!instances_.insert(image.instance_uid).second) return Refused(place + " was sent twice");
    bytes_ += image.file.size();
    if (instances_.size() > bounds_.series_images)
      return Refused(fmt::format("it has more than {} images", bounds_.series_images));
    if (bytes_ > bounds_.series_bytes) return Refused(fmt::format("it has more than {} bytes", bounds_.series_bytes));
    return WriteWholeFile(folder_ / fmt::format("{:04}.dcm", instances_.size()), image.file, kImageMode);
  }

  Status Whole() const {
    if (instances_.empty()) return Refused("the archive sent none of its images");
    if (series_.images > 0 && series_.images != instances_.size())
      return Refused(fmt::format("the archive has {} images of it and sent {}: it may still be filled, try later",
                                 series_.images, instances_.size()));
    return {};
  }

  Status MoveTo(const std::filesystem::path& place) const {
    RETURN_IF_ERROR(MakeFolder(place.parent_path()));
    std::error_code error;
    std::filesystem::rename(folder_, place, error);
    if (error) return SystemError(error.value(), "make", place);
    return SyncFolder(place.parent_path());
  }

  std::size_t images() const { return instances_.size(); }

 private:
  const std::filesystem::path folder_;
  const FetchBounds& bounds_;
  const KeyRow& patient_;
  const ArchivedStudy& study_;
  const ArchivedSeries& series_;
  std::set<std::string> instances_;
  std::uint64_t bytes_ = 0;
};

// One patient.
class Fetch {
 public:
  Fetch(const KeyRow& patient, Archive& archive, const FetchSettings& settings)
      : patient_(patient), archive_(archive), settings_(settings) {}

  // kUnavailable ends the whole run; another error is the patient's alone.
  Status Run() {
    ASSIGN_OR_RETURN(sessions_, SessionTable::Read(settings_.data_folder, patient_.subject));
    ASSIGN_OR_RETURN(std::vector<ArchivedStudy> studies,
                     archive_.FindStudies(patient_.patient_id, patient_.from, patient_.to));
    std::ranges::sort(studies, {}, [](const ArchivedStudy& study) { return std::tie(study.date, study.uid); });
    for (const ArchivedStudy& study : studies) {
      const Status done = Study(study);
      if (done.ok()) continue;
      if (done.error().code == ErrorCode::kUnavailable) return done.error();
      Tell(Failed(done.error()));
    }
    if (told_ == 0) return Refused("the archive has no MR series of this patient (of the dates in the key)");
    return {};
  }

 private:
  void Tell(SeriesReport report) {
    report.subject = patient_.subject;
    ++told_;
    if (settings_.tell) settings_.tell(report);
  }

  Status Study(const ArchivedStudy& study) {
    if (study.patient_id != patient_.patient_id) return Refused("the archive answers with a study of another patient");
    if (!IsUid(study.uid)) return Refused("a study whose identifier isn't a UID");
    const auto date = ParseDicomDate(study.date);
    if (!date) return Refused("a study without a date");
    if ((patient_.from && *date < *patient_.from) || (patient_.to && *date > *patient_.to)) return {};
    const double day = *date - patient_.day_zero;
    ASSIGN_OR_RETURN(const std::vector<ArchivedSeries> found, archive_.FindSeries(study));
    std::map<std::string, ArchivedSeries> all;  // by their folders: one order for all runs
    for (const ArchivedSeries& series : found)
      if (series.modality == "MR") all.emplace(SeriesFolder(series.uid), series);
    if (all.empty()) return {};
    ASSIGN_OR_RETURN(const std::string session, sessions_->SessionOf(day, *date));
    for (const auto& [folder, series] : all) {
      SeriesReport report;
      report.session = session;
      report.series = folder;
      report.images = series.images;
      const Status done = Series(study, series, day, report);
      if (!done.ok()) {
        if (done.error().code == ErrorCode::kUnavailable) return done.error();
        report.kind = Kind::kFailed;
        report.reason = done.error().message;
      }
      Tell(std::move(report));
    }
    return {};
  }

  Status Series(const ArchivedStudy& study, const ArchivedSeries& series, double day, SeriesReport& report) {
    if (settings_.stopped && settings_.stopped()) return Stopped();
    if (const auto holding = sessions_->Holding(report.series)) {
      report.session = *holding;
      report.kind = Kind::kAlready;
      return Row(report.session, day);
    }
    if (!IsUid(series.uid)) return Refused("its identifier isn't a UID");
    if (sessions_->HoldsOthers(report.session)) {
      report.kind = Kind::kAlready;
      report.reason = "left alone: the session holds scans that `fetch` didn't bring";
      return {};
    }
    report.kind = Kind::kToFetch;
    if (settings_.dry_run) return {};

    Incoming incoming(settings_, patient_, study, series);
    RETURN_IF_ERROR(incoming.Start());
    RETURN_IF_ERROR(archive_.Retrieve(study, series, [&](const ArchivedImage& image) -> Status {
      if (settings_.stopped && settings_.stopped()) return Stopped();
      RETURN_IF_ERROR(incoming.Keep(image));
      if (settings_.progress) settings_.progress(patient_.subject, incoming.images());
      return {};
    }));
    RETURN_IF_ERROR(incoming.Whole());
    RETURN_IF_ERROR(Row(report.session, day));
    RETURN_IF_ERROR(incoming.MoveTo(sessions_->FolderOf(report.session) / report.series));
    report.kind = Kind::kFetched;
    report.images = incoming.images();
    return {};
  }

  // The table's row of a session that is to have scans.
  Status Row(const std::string& session, double day) {
    if (settings_.dry_run || sessions_->Has(session)) return {};
    return sessions_->Add(session, day);
  }

  static Error Stopped() { return {ErrorCode::kUnavailable, "stopped"}; }

  const KeyRow& patient_;
  Archive& archive_;
  const FetchSettings& settings_;
  std::optional<SessionTable> sessions_;
  std::size_t told_ = 0;
};

}  // namespace

std::string_view ToString(Kind kind) {
  switch (kind) {
    case Kind::kFetched:
      return "fetched";
    case Kind::kToFetch:
      return "to fetch";
    case Kind::kAlready:
      return "already";
    case Kind::kFailed:
      break;
  }
  return "failed";
}

std::filesystem::path IncomingFolder(const std::filesystem::path& data_folder) {
  return data_folder / kDicomFolder / ".fetch" / "incoming";
}

Status FetchPatients(const std::vector<KeyRow>& patients, Archive& archive, const FetchSettings& settings) {
  if (!settings.dry_run) RETURN_IF_ERROR(Empty(IncomingFolder(settings.data_folder)));
  for (const KeyRow& patient : patients) {
    if (settings.stopped && settings.stopped()) return Error{ErrorCode::kUnavailable, "stopped"};
    const Status done = Fetch(patient, archive, settings).Run();
    if (done.ok()) continue;
    if (done.error().code == ErrorCode::kUnavailable) return done.error();
    if (!settings.tell) continue;
    SeriesReport report = Failed(done.error());
    report.subject = patient.subject;
    settings.tell(report);
  }
  return {};
}

}  // namespace fedtrial::site
