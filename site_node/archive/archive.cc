#include "site_node/archive/archive.h"

#include <charconv>
#include <chrono>
#include <fmt/format.h>

#include "site_node/archive/association.h"
#include "site_node/archive/dicom_object.h"
#include "site_node/archive/status_text.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 20;

using Texts = std::map<std::uint32_t, std::string>;

std::string DicomDate(double day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(static_cast<int>(day)))};
  return fmt::format("{:04}{:02}{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string DateRange(std::optional<double> from, std::optional<double> to) {
  if (!from && !to) return "";
  return fmt::format("{}-{}", from ? DicomDate(*from) : "", to ? DicomDate(*to) : "");
}

std::size_t Count(const std::string& text) {
  std::size_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

Error Failed(const char* what, std::uint16_t status) {
  return {ErrorCode::kInvalidInput, fmt::format("the archive's answer to {}: {}", what, StatusText(status))};
}

Error Unexpected() { return {ErrorCode::kIntegrity, "the archive sent a message that nobody asked for"}; }

class DicomArchive : public Archive {
 public:
  DicomArchive(const ArchiveConfig& config, std::function<bool()> stopped, const FetchBounds& bounds)
      : config_(config), stopped_(std::move(stopped)), bounds_(bounds) {}

  Status Echo() override {
    return With([this] { return association_->Echo(); });
  }

  Result<std::vector<ArchivedStudy>> FindStudies(const std::string& patient_id, std::optional<double> from,
                                                 std::optional<double> to) override {
    std::vector<ArchivedStudy> studies;
    RETURN_IF_ERROR(Find({{kStudyDate, DateRange(from, to)},
                          {kLevel, "STUDY"},
                          {kModalitiesInStudy, "MR"},
                          {kPatientId, patient_id},
                          {kStudyUid, ""}},
                         [&](Texts& texts) {
                           studies.push_back({texts[kStudyUid], texts[kPatientId], texts[kStudyDate]});
                         }));
    return studies;
  }

  Result<std::vector<ArchivedSeries>> FindSeries(const ArchivedStudy& study) override {
    std::vector<ArchivedSeries> series;
    RETURN_IF_ERROR(
        Find({{kLevel, "SERIES"}, {kModality, "MR"}, {kStudyUid, study.uid}, {kSeriesUid, ""}, {kImagesOfSeries, ""}},
             [&](Texts& texts) {
               series.push_back({texts[kSeriesUid], texts[kModality], Count(texts[kImagesOfSeries])});
             }));
    return series;
  }

  Status Retrieve(const ArchivedStudy& study, const ArchivedSeries& series, const Keep& keep) override {
    return With([&]() -> Status {
      RETURN_IF_ERROR(association_->SendGet({{kLevel, "SERIES"}, {kStudyUid, study.uid}, {kSeriesUid, series.uid}}));
      while (true) {
        ASSIGN_OR_RETURN(const ArchiveMessage message, association_->Receive());
        if (message.kind == ArchiveMessage::Kind::kStore) {
          RETURN_IF_ERROR(Take(message, keep));
          continue;
        }
        if (message.kind != ArchiveMessage::Kind::kGetAnswer) return Unexpected();
        if (message.has_data) RETURN_IF_ERROR(Skip());
        if (IsPending(message.status)) continue;
        association_->Settled();
        if (message.failed > 0)
          return Error{
              ErrorCode::kInvalidInput,
              fmt::format("the archive couldn't send {} of its images: compressed with loss, or of another kind",
                          message.failed)};
        if (message.status != 0) return Failed("the retrieval", message.status);
        return {};
      }
    });
  }

 private:
  // A request that failed amid its messages takes the association with it.
  template <typename Request>
  Status With(const Request& request) {
    if (association_ == nullptr) {
      ASSIGN_OR_RETURN(association_, Association::Open(config_, stopped_));
    }
    const Status done = request();
    if (!done.ok()) association_.reset();
    return done;
  }

  Status Find(const Identifier& keys, const std::function<void(Texts&)>& take) {
    std::vector<std::uint32_t> tags;
    for (const auto& [tag, value] : keys) tags.push_back(tag);
    return With([&]() -> Status {
      RETURN_IF_ERROR(association_->SendFind(keys));
      for (std::size_t answers = 0; answers <= bounds_.answers; ++answers) {
        ASSIGN_OR_RETURN(const ArchiveMessage message, association_->Receive());
        if (message.kind != ArchiveMessage::Kind::kFindAnswer) return Unexpected();
        Texts texts;
        if (message.has_data) {
          ASSIGN_OR_RETURN(const Association::Data data, association_->ReceiveData(kMaxAnswerBytes));
          ASSIGN_OR_RETURN(texts, ReadTexts(data.bytes, data.transfer_syntax, tags));
        }
        if (IsPending(message.status)) {
          take(texts);
          continue;
        }
        association_->Settled();
        if (message.status != 0) return Failed("the query", message.status);
        return {};
      }
      return Error{ErrorCode::kInvalidInput, fmt::format("the archive gives more than {} answers", bounds_.answers)};
    });
  }

  Status Take(const ArchiveMessage& message, const Keep& keep) {
    if (!message.has_data) return Error{ErrorCode::kIntegrity, "the archive sent an image without data"};
    ASSIGN_OR_RETURN(const Association::Data data, association_->ReceiveData(bounds_.image_bytes));
    if (!IsUid(message.sop_class) || !IsUid(message.sop_instance))
      return Error{ErrorCode::kIntegrity, "the archive sent an image whose identifier isn't a UID"};
    ASSIGN_OR_RETURN(Texts texts, ReadTexts(data.bytes, data.transfer_syntax,
                                            {kSopInstance, kModality, kPatientId, kStudyUid, kSeriesUid}));
    if (texts[kSopInstance] != message.sop_instance)
      return Error{ErrorCode::kIntegrity, "the archive sent an image that isn't the one it announced"};
    ASSIGN_OR_RETURN(Bytes file, FileHead(message.sop_class, message.sop_instance, data.transfer_syntax));
    file.insert(file.end(), data.bytes.begin(), data.bytes.end());
    RETURN_IF_ERROR(keep({.instance_uid = message.sop_instance,
                          .series_uid = texts[kSeriesUid],
                          .study_uid = texts[kStudyUid],
                          .patient_id = texts[kPatientId],
                          .modality = texts[kModality],
                          .file = std::move(file)}));
    return association_->SayStored();
  }

  // What an answer lists of images that failed.
  Status Skip() {
    ASSIGN_OR_RETURN([[maybe_unused]] const Association::Data data, association_->ReceiveData(kMaxAnswerBytes));
    return {};
  }

  const ArchiveConfig config_;
  const std::function<bool()> stopped_;
  const FetchBounds bounds_;
  std::unique_ptr<Association> association_;
};

}  // namespace

std::unique_ptr<Archive> MakeDicomArchive(const ArchiveConfig& config, std::function<bool()> stopped,
                                          const FetchBounds& bounds) {
  return std::make_unique<DicomArchive>(config, std::move(stopped), bounds);
}

}  // namespace fedtrial::site
