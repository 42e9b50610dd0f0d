#include "site_node/imaging/prepare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <utility>

#include "security/crypto/sha256.h"
#include "site_node/imaging/baseline.h"
#include "site_node/imaging/bias.h"
#include "site_node/imaging/deface.h"
#include "site_node/imaging/head.h"
#include "site_node/imaging/intensity.h"
#include "site_node/imaging/lesion_crop.h"
#include "site_node/imaging/nifti.h"
#include "site_node/imaging/orient.h"
#include "site_node/imaging/picture.h"
#include "site_node/imaging/read_series.h"
#include "site_node/imaging/registration.h"
#include "site_node/imaging/resample.h"

namespace fedtrial::imaging {

namespace {

constexpr double kCoarse = 4.0;  // mm
constexpr float kNotScanned = std::numeric_limits<float>::quiet_NaN();
constexpr double kLesionInBrain = 0.5;  // the least share of a lesion that must lie in the brain

Error Refused(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

// A series on its own grid, cropped to the head.
struct Cleaned {
  Scan before;  // as scanned
  Scan after;   // bias corrected
  Digest input{};
  Digest voxels{};  // of `before`: the same image in another file has the same
  std::vector<std::string> warnings;
};

Result<Cleaned> Clean(const SeriesInput& series) {
  ASSIGN_OR_RETURN(SeriesRead read, ReadSeries(series));
  ASSIGN_OR_RETURN(const Scan oriented, OrientToRas(read.scan));
  read.scan = {};
  Cleaned cleaned{.before = {}, .after = {}, .input = read.digest, .voxels = {}, .warnings = std::move(read.warnings)};
  ASSIGN_OR_RETURN(cleaned.before, CropToHead(oriented));
  const std::vector<float>& voxels = cleaned.before.voxels;
  cleaned.voxels = Sha256({reinterpret_cast<const std::uint8_t*>(voxels.data()), voxels.size() * sizeof(float)});
  ASSIGN_OR_RETURN(cleaned.after, CorrectBias(cleaned.before));
  return cleaned;
}

Result<SeriesQuality> QualityOf(const Cleaned& cleaned, const Registered& laid, const Baseline& baseline,
                                const Scan& on_grid) {
  SeriesQuality quality;
  quality.spacing_mm = cleaned.before.grid.spacing;
  quality.signal_to_noise = SignalToNoise(cleaned.before);
  quality.information_before = laid.information_before;
  quality.information_after = laid.information_after;
  const Transform to_scan = Compose(laid.fixed_to_moving, Inverse(baseline.atlas_to_scan));
  quality.rotation_deg = RotationDegrees(to_scan);
  if (const auto centre = CentreOfMask(baseline.brain)) {
    const Vec3 here = Apply(baseline.atlas_to_scan, *centre), there = Apply(laid.fixed_to_moving, *centre);
    quality.shift_mm = std::hypot(there[0] - here[0], there[1] - here[1], there[2] - here[2]);
  }
  ASSIGN_OR_RETURN(const Scan coarse_base, Shrink(baseline.head, kCoarse));
  ASSIGN_OR_RETURN(const Scan coarse_series, Shrink(cleaned.after, kCoarse));
  ASSIGN_OR_RETURN(const Scan head_base, HeadMask(coarse_base));
  ASSIGN_OR_RETURN(const Scan head_series, HeadMask(coarse_series));
  quality.box_overlap = BoxOverlap(head_base, head_series, laid.fixed_to_moving);
  quality.head_overlap = HeadOverlap(head_base, head_series, laid.fixed_to_moving);
  const double voxels = static_cast<double>(Inside(baseline.brain, baseline.brain).size());
  quality.covered = static_cast<double>(Inside(on_grid, baseline.brain).size()) / voxels;
  return quality;
}

// The state of one visit while its series are worked off.
class Visit {
 public:
  Visit(const VisitInput& input, const Atlas& atlas, const ImagingSettings& settings)
      : input_(input), atlas_(atlas), settings_(settings) {}

  Result<PreparedVisit> Prepare() {
    RETURN_IF_ERROR(CheckInput());
    const SeriesInput* contrast = Find(MriSequence::kT1Contrast);
    std::optional<Result<Cleaned>> cleaned;
    if (contrast != nullptr) cleaned = Clean(*contrast);
    RETURN_IF_ERROR(SettleBaseline(cleaned));
    ASSIGN_OR_RETURN(face_, FaceMask(baseline().brain));
    // The contrast T1 first: the lesion was drawn on it.
    std::array<std::optional<Result<PreparedSeries>>, kMriSequences> results;
    for (const MriSequence sequence :
         {MriSequence::kT1Contrast, MriSequence::kT1, MriSequence::kT2, MriSequence::kFlair}) {
      const SeriesInput* series = Find(sequence);
      if (series == nullptr) continue;
      results[static_cast<std::size_t>(sequence)] = sequence == MriSequence::kT1Contrast
                                                        ? Lay(std::exchange(cleaned, std::nullopt).value(), sequence)
                                                        : Lay(Clean(*series), sequence);
    }
    return Finish(results);
  }

 private:
  Status CheckInput() const {
    RETURN_IF_ERROR(CheckSettings(settings_));
    std::array<bool, kMriSequences> seen{};
    for (const SeriesInput& series : input_.series)
      if (std::exchange(seen[static_cast<std::size_t>(series.sequence)], true))
        return Refused(fmt::format("{} is given twice", ToString(series.sequence)));
    return {};
  }

  const SeriesInput* Find(MriSequence sequence) const {
    for (const SeriesInput& series : input_.series)
      if (series.sequence == sequence) return &series;
    return nullptr;
  }

  const Baseline& baseline() const { return input_.baseline != nullptr ? *input_.baseline : *made_; }

  Status SettleBaseline(const std::optional<Result<Cleaned>>& contrast) {
    if (input_.baseline != nullptr) return {};
    if (!contrast) return Refused("the first visit has no contrast T1, onto which everything is laid");
    if (!contrast->ok()) return contrast->error().In("contrast T1 of the first visit");
    Result<Baseline> made = MakeBaseline((*contrast)->after, atlas_);
    if (!made.ok()) return made.error().In("contrast T1 of the first visit");
    made_ = std::move(made).value();
    return {};
  }

  // From the atlas to the scan of a series.
  Result<Registered> Register(const Cleaned& cleaned, MriSequence sequence) const {
    if (made_ && sequence == MriSequence::kT1Contrast)
      return Registered{made_->atlas_to_scan, made_->quality.information_before, made_->quality.information_after};
    return RegisterRigid(baseline().head, cleaned.after, baseline().atlas_to_scan, 1.0);
  }

  Result<PreparedSeries> Lay(Result<Cleaned> cleaned, MriSequence sequence) {
    if (!cleaned.ok()) return cleaned.error();
    if (const auto [same, first] = laid_.try_emplace(cleaned->voxels, sequence); !first)
      return Refused(fmt::format("the same image as {}: one of them has a wrong name", ToString(same->second)));
    ASSIGN_OR_RETURN(const Registered laid, Register(*cleaned, sequence));
    const Transform& to_scan = laid.fixed_to_moving;
    const Grid& grid = baseline().head.grid;
    ASSIGN_OR_RETURN(Scan on_grid, Resample(cleaned->after, grid, to_scan, Interpolation::kCubic, kNotScanned));
    for (float& v : on_grid.voxels) v = v < 0.0f ? 0.0f : v;  // a cubic overshoots at edges; NaN stays
    PreparedSeries prepared;
    prepared.to_atlas = Inverse(to_scan);
    prepared.to_baseline = Compose(baseline().atlas_to_scan, prepared.to_atlas);
    prepared.input = cleaned->input;
    ASSIGN_OR_RETURN(prepared.quality, QualityOf(*cleaned, laid, baseline(), on_grid));
    const Status fit = CheckSeries(prepared.quality, made_.has_value());
    if (!fit.ok()) return fit.error();
    prepared.warnings = std::move(cleaned->warnings);
    for (std::string& warning : SeriesWarnings(prepared.quality)) prepared.warnings.push_back(std::move(warning));
    if (sequence == MriSequence::kT1Contrast) RETURN_IF_ERROR(LayLesion(to_scan));
    ASSIGN_OR_RETURN(const Scan before, Resample(cleaned->before, grid, to_scan, Interpolation::kLinear, kNotScanned));
    Picture row = Draw(on_grid, before);
    RETURN_IF_ERROR(Normalise(on_grid, baseline().brain, settings_.clip_low, settings_.clip_high));
    rows_[static_cast<std::size_t>(sequence)] = std::move(row);
    prepared.volume = CubeAround(on_grid, lesion_ ? &*lesion_ : nullptr, Centre(), settings_);
    return prepared;
  }

  // Without the face: pictures are looked at in a browser.
  Picture Draw(const Scan& image, const Scan& before_bias) const {
    return SeriesRow({Deface(image, face_), Deface(before_bias, face_), baseline().brain, lesion_ ? &*lesion_ : nullptr,
                      baseline().head});
  }

  // The lesion on the atlas' grid. A mask that can't be used is a warning: the images can.
  Status LayLesion(const Transform& to_scan) {
    if (!input_.lesion) return {};
    Result<Scan> drawn = ReadNiftiMask(*input_.lesion);
    if (!drawn.ok()) return Warn("lesion mask left out: " + drawn.error().message);
    ASSIGN_OR_RETURN(Scan laid, Resample(*drawn, baseline().head.grid, to_scan, Interpolation::kLinear, 0.0f));
    for (float& v : laid.voxels) v = v > 0.5f ? 1.0f : 0.0f;
    const double all = static_cast<double>(Inside(laid, laid).size());
    if (all == 0.0) return Warn("lesion mask left out: it is empty, or lies outside of the head");
    double inside = 0.0;
    for (std::size_t i = 0; i < laid.voxels.size(); ++i)
      inside += static_cast<double>(laid.voxels[i] * baseline().brain.voxels[i]);
    if (inside < kLesionInBrain * all)
      return Warn(fmt::format("lesion mask left out: {:.0f} % of it lie in the brain", 100.0 * inside / all));
    lesion_ = std::move(laid);
    if (made_) made_->lesion_centre = CentreOfMask(*lesion_);
    return {};
  }

  Status Warn(std::string sentence) {
    warnings_.push_back(std::move(sentence));
    return {};
  }

  // The baseline's lesion, so that all visits show the same place; else this visit's; else the middle of the brain.
  Vec3 Centre() const {
    if (baseline().lesion_centre) return *baseline().lesion_centre;
    if (lesion_)
      if (const auto centre = CentreOfMask(*lesion_)) return *centre;
    return CentreOfMask(baseline().brain).value_or(Vec3{});
  }

  Result<PreparedVisit> Finish(std::array<std::optional<Result<PreparedSeries>>, kMriSequences>& results) {
    PreparedVisit visit;
    std::vector<Picture> rows;
    std::string reasons;
    for (std::size_t i = 0; i < kMriSequences; ++i) {
      if (!results[i]) continue;
      const auto sequence = static_cast<MriSequence>(i);
      if (!results[i]->ok()) reasons += fmt::format("; {}: {}", ToString(sequence), results[i]->error().message);
      visit.series.push_back({sequence, std::move(*results[i])});
      if (rows_[i]) rows.push_back(std::move(*rows_[i]));
    }
    if (rows.empty()) return Refused("no series of the visit can be used" + reasons);
    if (!baseline().lesion_centre && !lesion_)
      warnings_.push_back("no lesion mask: the cube lies around the middle of the brain");
    ASSIGN_OR_RETURN(visit.picture, ToPng(Stack(rows)));
    visit.warnings = std::move(warnings_);
    visit.baseline = std::move(made_);
    return visit;
  }

  const VisitInput& input_;
  const Atlas& atlas_;
  const ImagingSettings& settings_;
  std::optional<Baseline> made_;
  std::map<Digest, MriSequence> laid_;  // by their voxels
  Scan face_;                           // on the atlas' grid
  std::optional<Scan> lesion_;          // on the atlas' grid
  std::array<std::optional<Picture>, kMriSequences> rows_;
  std::vector<std::string> warnings_;
};

}  // namespace

Result<PreparedVisit> PrepareVisit(const VisitInput& visit, const Atlas& atlas, const ImagingSettings& settings) {
  return Visit(visit, atlas, settings).Prepare();
}

}  // namespace fedtrial::imaging
