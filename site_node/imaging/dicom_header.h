#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "site_node/imaging/geometry.h"

namespace fedtrial::imaging {

// What one DICOM file says of its slice. Texts and identifiers serve to group and tell apart; none goes to an output.
struct SliceHeader {
  std::filesystem::path file;
  std::string sop_class, sop_instance, series_uid, patient;  // patient: id and name, only ever compared
  std::string modality, photometric, burned_in;
  std::vector<std::string> image_type;
  std::string description, protocol;          // free texts of the scanner's operator
  std::string acquisition, acquisition_time;  // (0020,0012), (0008,0032)
  std::string scanning_sequence, dimensions;  // (0018,0020) SE GR IR EP; (0018,0023) 2D 3D
  std::optional<double> echo_ms, repetition_ms, inversion_ms;
  std::optional<bool> contrast;                    // said: an agent or its time; said not: "NONE"; not said
  std::optional<std::array<Vec3, 2>> orientation;  // unit vectors along a row and down a column, LPS
  std::optional<Vec3> position;                    // centre of the first pixel, LPS, mm
  Vec3 spacing{};                                  // along a row, down a column, unused; mm
  std::size_t columns = 0, rows = 0, frames = 1, samples = 1;
  double slope = 1.0, intercept = 0.0;
  bool lossy = false;
  bool packed = false;  // pixels are compressed
};

// Reads all but the pixels. kInvalidInput: not a DICOM file that GDCM can read. Names the file without its folders.
Result<SliceHeader> ReadSliceHeader(const std::filesystem::path& file);

// Why the file is no slice of an MR scan that this room reads (another modality, enhanced multi-frame, a screen shot,
// colour, no place in space, identity burned in); ok where it is one.
Status CheckSlice(const SliceHeader& slice);

}  // namespace fedtrial::imaging
