#include "site_node/worker/visit_preparer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

#include "security/crypto/sha256.h"
#include "site_node/cohort/visit_files.h"
#include "site_node/imaging/baseline_bytes.h"
#include "site_node/imaging/prepared_volume.h"
#include "site_node/imaging/report.h"
#include "site_node/worker/prepare/found_visit.h"

namespace fedtrial::site {
namespace {

Result<imaging::ImagingSettings> SettingsOf(const ImagingRules& rules) {
  if (rules.version != imaging::kChainVersion)
    return Error{ErrorCode::kInvalidInput, fmt::format("the plan wants version {} of the imaging chain, this is {}",
                                                       rules.version, imaging::kChainVersion)};
  const imaging::ImagingSettings settings{rules.crop_mm, rules.voxels, rules.clip_low, rules.clip_high};
  RETURN_IF_ERROR(imaging::CheckSettings(settings));
  return settings;
}

class Preparer : public VisitPreparer {
 public:
  Result<v1::VisitPrepared> Prepare(const v1::PrepareVisit& request, const Plan& plan, const WorkerConfig& config,
                                    const VolumeCache& cache) override {
    ASSIGN_OR_RETURN(const imaging::ImagingSettings settings, SettingsOf(plan.imaging));
    const VisitFiles files = FindVisitFiles(config.data_folder, request.subject(), request.session());
    if (!files.prepared.empty()) return TakePrepared(request, files, settings, cache);
    return Chain(request, files, config, settings, cache);
  }

 private:
  // The rest of the answer, unless that is what is there already.
  static bool Known(const v1::PrepareVisit& request, const Digest& key, v1::VisitPrepared& prepared) {
    prepared.set_key(ToHex(key));
    prepared.set_unchanged(request.known_key() == prepared.key());
    return prepared.unchanged();
  }

  // What the scans themselves are to blame for; everything else isn't the visit's.
  static Result<v1::VisitPrepared> Unusable(v1::VisitPrepared& prepared, const Error& why) {
    if (why.code != ErrorCode::kInvalidInput) return why;
    prepared.set_failed(why.message);
    return prepared;
  }

  static v1::SeriesPrepared& AddSeries(v1::VisitPrepared& prepared, MriSequence sequence) {
    v1::SeriesPrepared& series = *prepared.add_series();
    series.set_sequence(static_cast<std::uint32_t>(sequence));
    return series;
  }

  // Volumes that were prepared elsewhere are only read.
  static Result<v1::VisitPrepared> TakePrepared(const v1::PrepareVisit& request, const VisitFiles& files,
                                                const imaging::ImagingSettings& settings, const VolumeCache& cache) {
    imaging::VisitInput input;
    for (const auto& [sequence, file] : files.prepared) input.series.push_back({sequence, {file}});
    input.lesion = files.prepared_lesion;
    ASSIGN_OR_RETURN(std::vector<Digest> digests, ContentDigests(input));
    digests.push_back(Sha256(AsBytes("prepared elsewhere")));
    const Digest key = imaging::PreparationKey(digests, settings);
    v1::VisitPrepared prepared;
    if (Known(request, key, prepared)) return prepared;
    nlohmann::ordered_json report{{"prepared_elsewhere", true}, {"series", nlohmann::json::array()}};
    for (const imaging::SeriesInput& series : input.series) {
      v1::SeriesPrepared& said = AddSeries(prepared, series.sequence);
      nlohmann::ordered_json row{{"sequence", ToString(series.sequence)}};
      const auto volume = imaging::ReadPreparedVolume(series.files.front(), input.lesion, settings);
      if (volume.ok()) {
        said.set_volume(VolumeName(key, series.sequence));
        RETURN_IF_ERROR(cache.WriteVolume(said.volume(), *volume));
      } else {
        said.set_reason(volume.error().message);
        row["failed"] = said.reason();
      }
      report["series"].push_back(std::move(row));
    }
    prepared.set_report(report.dump(1) + "\n");
    return prepared;
  }

  Result<v1::VisitPrepared> Chain(const v1::PrepareVisit& request, const VisitFiles& files, const WorkerConfig& config,
                                  const imaging::ImagingSettings& settings, const VolumeCache& cache) {
    v1::VisitPrepared prepared;
    auto found = FindSeries(files, config.data_folder);
    if (!found.ok()) return Unusable(prepared, found.error());
    ASSIGN_OR_RETURN(std::vector<Digest> digests, ContentDigests(found->input));
    digests.push_back(Sha256(AsBytes(request.laid_onto())));
    const Digest key = imaging::PreparationKey(digests, settings);
    if (Known(request, key, prepared)) return prepared;
    std::optional<imaging::Baseline> baseline;
    if (!request.laid_onto().empty()) {
      ASSIGN_OR_RETURN(const Bytes bytes, cache.ReadBaseline(request.laid_onto()));
      ASSIGN_OR_RETURN(baseline, imaging::DecodeBaseline(bytes));
      found->input.baseline = &*baseline;
    }
    RETURN_IF_ERROR(HaveAtlas());
    auto visit = imaging::PrepareVisit(found->input, *atlas_, settings);
    if (!visit.ok()) return Unusable(prepared, visit.error());
    visit->warnings.insert(visit->warnings.end(), found->notes.begin(), found->notes.end());
    for (const std::string& warning : visit->warnings) prepared.add_warnings(warning);
    RETURN_IF_ERROR(Keep(*visit, key, cache, prepared));
    prepared.set_report(imaging::VisitJson(*visit, settings));
    prepared.set_picture(visit->picture.data(), visit->picture.size());
    return prepared;
  }

  static Status Keep(const imaging::PreparedVisit& visit, const Digest& key, const VolumeCache& cache,
                     v1::VisitPrepared& prepared) {
    for (const imaging::SeriesResult& result : visit.series) {
      v1::SeriesPrepared& said = AddSeries(prepared, result.sequence);
      if (!result.prepared.ok()) {
        said.set_reason(result.prepared.error().message);
        continue;
      }
      said.set_volume(VolumeName(key, result.sequence));
      RETURN_IF_ERROR(cache.WriteVolume(said.volume(), result.prepared->volume));
      for (const std::string& warning : result.prepared->warnings)
        prepared.add_warnings(fmt::format("{}: {}", ToString(result.sequence), warning));
    }
    if (!visit.baseline) return {};
    prepared.set_baseline(BaselineName(key));
    return cache.WriteBaseline(prepared.baseline(), imaging::EncodeBaseline(*visit.baseline));
  }

  Status HaveAtlas() {
    if (atlas_) return {};
    ASSIGN_OR_RETURN(atlas_, imaging::LoadAtlas());
    return {};
  }

  std::optional<imaging::Atlas> atlas_;
};

}  // namespace

std::unique_ptr<VisitPreparer> MakeVisitPreparer() { return std::make_unique<Preparer>(); }

}  // namespace fedtrial::site
