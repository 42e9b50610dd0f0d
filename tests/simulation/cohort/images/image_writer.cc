#include "tests/simulation/cohort/image_writer.h"

#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/simulation/cohort/images/dicom_files.h"
#include "tests/simulation/cohort/images/prepared_volume.h"
#include "tests/simulation/cohort/images/protocol.h"
#include "tests/simulation/cohort/images/raw_scan.h"
#include "tests/simulation/cohort/table_text.h"

namespace fedtrial::sim {
namespace {

constexpr std::array kSequences{MriSequence::kT1, MriSequence::kT1Contrast, MriSequence::kT2, MriSequence::kFlair};

// "sub-SIM01001_ses-W08" and its folders.
struct Names {
  std::string stem;
  std::filesystem::path inside;  // sub-SIM01001/ses-W08
};
Names NamesOf(const ImageRequest& request) {
  const std::string session = "ses-" + request.patient->course.visits[request.visit].Session();
  return {request.patient->id + "_" + session, std::filesystem::path(request.patient->id) / session};
}

// The file's end: "_ce-gd_space-Colin27_desc-preproc_T1w" for the contrast T1.
std::string PreparedSuffix(MriSequence sequence) {
  const bool contrast = sequence == MriSequence::kT1Contrast;
  return fmt::format("{}_space-Colin27_desc-preproc_{}", contrast ? "_ce-gd" : "",
                     contrast ? "T1w" : ToString(sequence));
}

Status WriteSidecar(const std::filesystem::path& file, MriSequence sequence, const Scanner& scanner) {
  const Protocol protocol = ProtocolOf(sequence);
  nlohmann::ordered_json sidecar{{"Modality", "MR"},
                                 {"Simulated", true},
                                 {"ManufacturersModelName", scanner.name},
                                 {"MagneticFieldStrength", scanner.tesla},
                                 {"EchoTime", protocol.echo_ms / 1000.0},
                                 {"RepetitionTime", protocol.repetition_ms / 1000.0}};
  if (protocol.inversion_ms > 0.0) sidecar["InversionTime"] = protocol.inversion_ms / 1000.0;
  if (protocol.contrast) sidecar["ContrastBolusIngredient"] = "GADOLINIUM";
  return WriteFile(file, sidecar.dump(2) + "\n");
}

class Writer : public ImageWriter {
 public:
  explicit Writer(TemplateHead head) : head_(std::move(head)) {}

  Status Write(const ImageRequest& request) override {
    TakePatient(request);
    return request.raw ? WriteRaw(request) : WritePrepared(request);
  }

 private:
  // What is the same at all visits of a patient is kept from the first one on.
  void TakePatient(const ImageRequest& request) {
    const std::pair key(request.seed, request.patient_index);
    if (patient_ == key) return;
    patient_ = key;
    Draws draws(request.seed, "lesion shape", request.patient_index);
    shape_.emplace(head_, draws);
    crop_ = CropAround(head_, shape_->centre());
    healthy_ = {};
  }

  // A visit's own stream for a sequence.
  static Draws DrawsOf(const ImageRequest& request, std::string_view purpose) {
    const int number = request.patient->course.visits[request.visit].number;
    return {request.seed, fmt::format("{} {}", purpose, number), request.patient_index};
  }

  Status WritePrepared(const ImageRequest& request) {
    const Names names = NamesOf(request);
    const auto folder = request.folder / "derivatives" / "preproc" / names.inside / "anat";
    RETURN_IF_ERROR(MakeFolder(folder));
    const Scanner& scanner = request.site->scanner;
    const std::vector<LesionVoxel> lesion = LesionInCrop(crop_, *shape_, request.patient->lesions[request.visit]);
    const Grid grid = GridOfCrop(crop_, request.volume);
    for (const MriSequence sequence : kSequences) {
      const Contrast contrast(sequence, scanner.gamma);
      Draws draws = DrawsOf(request, fmt::format("prepared {}", ToString(sequence)));
      const auto volume =
          PreparedVolume(crop_, HealthyFor(contrast, sequence, scanner.gamma, request.volume), lesion, contrast,
                         request.patient->baseline.texture, request.volume, scanner.noise, draws);
      RETURN_IF_ERROR(WriteNifti(folder / (names.stem + PreparedSuffix(sequence) + ".nii"), grid, volume));
    }
    return WriteNifti(folder / (names.stem + "_space-Colin27_desc-lesion_mask.nii"), grid,
                      LesionMask(lesion, request.volume));
  }

  Status WriteRaw(const ImageRequest& request) {
    const Names names = NamesOf(request);
    const Scanner& scanner = request.site->scanner;
    const LesionState& lesion = request.patient->lesions[request.visit];
    const Grid grid = GridOfScanner(scanner);
    Draws poses = DrawsOf(request, "pose");
    const Pose pose = DrawPose(poses);
    for (const MriSequence sequence : kSequences) {
      const bool reference = sequence == MriSequence::kT1Contrast;  // the lesion mask is drawn on it
      const Pose own = reference ? pose : Moved(pose, poses);
      Draws draws = DrawsOf(request, fmt::format("raw {}", ToString(sequence)));
      const auto scan = RawScan(head_, *shape_, lesion, Contrast(sequence, scanner.gamma),
                                request.patient->baseline.texture, scanner, own, draws);
      RETURN_IF_ERROR(WriteScan(request, names, sequence, grid, scan));
    }
    const auto masks = request.folder / "derivatives" / "seg" / names.inside / "anat";
    RETURN_IF_ERROR(MakeFolder(masks));
    return WriteNifti(masks / (names.stem + "_ce-gd_desc-lesion_mask.nii.gz"), grid,
                      RawLesionMask(head_, *shape_, lesion, scanner, pose));
  }

  Status WriteScan(const ImageRequest& request, const Names& names, MriSequence sequence, const Grid& grid,
                   const std::vector<std::int16_t>& scan) {
    if (request.site->dicom) {
      const auto folder = request.folder / "sourcedata" / names.inside;
      RETURN_IF_ERROR(MakeFolder(folder));
      return WriteDicomSeries(folder, {request.seed, request.patient->id, names.stem, sequence, &request.site->scanner},
                              grid, scan);
    }
    const auto folder = request.folder / names.inside / "anat";
    RETURN_IF_ERROR(MakeFolder(folder));
    const std::string name = fmt::format("{}_{}", names.stem, ToString(sequence));
    RETURN_IF_ERROR(WriteSidecar(folder / (name + ".json"), sequence, request.site->scanner));
    return WriteNifti(folder / (name + ".nii.gz"), grid, scan);
  }

  const HealthyVolume& HealthyFor(const Contrast& contrast, MriSequence sequence, double gamma, unsigned edge) {
    std::optional<HealthyVolume>& healthy = healthy_[static_cast<std::size_t>(sequence)];
    if (healthy) return *healthy;
    const auto [scale, is_new] = scales_.try_emplace({sequence, gamma});
    if (is_new) scale->second = ScaleOf(head_, contrast);
    healthy = HealthyIn(crop_, contrast, scale->second, edge);
    return *healthy;
  }

  TemplateHead head_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> patient_;  // seed and index of whom shape and crop are
  std::optional<LesionShape> shape_;
  Crop crop_;
  std::array<std::optional<HealthyVolume>, kMriSequences> healthy_;  // of the patient, by sequence
  std::map<std::pair<MriSequence, double>, BrainScale> scales_;
};

}  // namespace

Result<std::unique_ptr<ImageWriter>> OpenImageWriter() {
  ASSIGN_OR_RETURN(TemplateHead head, LoadTemplateHead());
  return std::unique_ptr<ImageWriter>(std::make_unique<Writer>(std::move(head)));
}

}  // namespace fedtrial::sim
