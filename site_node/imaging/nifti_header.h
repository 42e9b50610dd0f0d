#pragma once

#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "site_node/imaging/geometry.h"

namespace fedtrial::imaging {

inline constexpr std::size_t kNiftiHeaderBytes = 348;

// What a NIfTI-1 header says of the voxels and their place. Its texts (descrip, aux_file, extensions), which may hold
// names, are never read.
struct NiftiHeader {
  Grid grid;
  std::int16_t datatype = 0;    // code of the standard, one that VoxelBytes knows
  std::size_t data_offset = 0;  // bytes from the start of the file, >= 348
  double slope = 1.0;           // a voxel is slope * stored + intercept
  double intercept = 0.0;
  bool big_endian = false;
  bool forms_disagree = false;  // sform and qform are both set and place a corner more than 1 mm apart
};

std::size_t VoxelBytes(std::int16_t datatype);  // 0 for one that isn't read: complex, colour, 128 bits

// Reads the first 348 bytes. Refuses (kInvalidInput): another format (NIfTI-2, Analyze, a pair of files), fewer than
// 3 dimensions or a fourth one > 1, a type that isn't a plain number, no orientation (sform and qform both 0), axes
// that aren't at right angles. The sform is taken where it is set, else the qform; units unknown are mm.
Result<NiftiHeader> ParseNiftiHeader(ByteView bytes);

}  // namespace fedtrial::imaging
