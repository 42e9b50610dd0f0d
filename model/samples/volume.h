#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fedtrial {

// The four sequences of a visit, in the order of their tokens.
enum class MriSequence : std::uint8_t { kT1 = 0, kT1Contrast, kT2, kFlair };
inline constexpr std::size_t kMriSequences = 4;
std::string_view ToString(MriSequence sequence);  // "T1w", "ce-gd_T1w", "T2w", "FLAIR", as in the names of files

// A prepared volume of a patient, not yet loaded.
struct VolumeId {
  MriSequence sequence = MriSequence::kT1;
  double day = 0.0;  // of the scan, from the first fraction of radiotherapy; finite, may be negative
  std::string key;   // what a VolumeSource knows it by: at a site the digest of its place in the cache
};

// In atlas space, 1 mm or coarser; x fastest, then y, then z. Finite.
struct Volume {
  std::array<std::size_t, 3> size{};  // x, y, z; all > 0
  std::vector<float> image;           // size[0] * size[1] * size[2]; z-scores inside the brain, 0 outside
  std::vector<float> lesion;          // as long, 0 or 1; empty where no mask was given
};

// A lesion in one volume by first-order features (Zwanenburg et al. 2020, Radiology 295:328).
struct LesionFigures {
  double size = 0.0;                   // log(1 + 1000 * its share of all voxels)
  double mean = 0.0, deviation = 0.0;  // of the image in it, z-scores
};
// None where the volume has no mask, or an empty one.
std::optional<LesionFigures> FiguresOf(const Volume& volume);

// Where volumes come from: at a site the encrypted cache, in tests memory.
class VolumeSource {
 public:
  virtual ~VolumeSource() = default;
  // One thread at a time. kNotFound-like errors are kInvalidInput and name the key, never the patient.
  virtual Result<Volume> Load(const VolumeId& id) const = 0;
};

}  // namespace fedtrial
