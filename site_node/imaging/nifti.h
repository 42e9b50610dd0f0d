#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

struct NiftiLimits {
  std::size_t max_voxels = 50'000'000;
  double max_ratio = 200.0;  // of voxels' bytes to the file's; a head has 2-20, deflate can't pass 1032
  bool whole_head = true;    // CheckGrid, else CheckSize
};
// A mask, mostly equal, packs far better than a head.
inline constexpr NiftiLimits kMaskLimits{.max_voxels = 50'000'000, .max_ratio = 1100.0, .whole_head = true};
// A part of a head, as networks read it, or the mask of one.
inline constexpr NiftiLimits kCubeLimits{.max_voxels = 160 * 160 * 160, .max_ratio = 1100.0, .whole_head = false};

struct SeriesRead {
  Scan scan;
  Digest digest{};                    // SHA-256 of the input bytes
  std::vector<std::string> warnings;  // sentences for the data manager, without values of a header's texts
};

// Reads .nii and .nii.gz (told apart by their bytes) into float. Size and ratio are checked on the header, before
// anything is unpacked or allocated. Errors are kInvalidInput and begin with the file's name without its folders:
// truncated, damaged (CRC), longer than its header says, and what ParseNiftiHeader, CheckGrid and, but for a mask,
// CheckVoxels refuse. A mask is true where its value is > 0.5.
Result<SeriesRead> ReadNifti(const std::filesystem::path& file, const NiftiLimits& limits = {});
Result<Scan> ReadNiftiMask(const std::filesystem::path& file, const NiftiLimits& limits = kMaskLimits);

// Writes .nii.gz: float32, or uint8 for a mask, sform of code 1, every text empty, no time or name in the gzip header:
// the same bytes for the same scan. Written whole, then renamed.
Status WriteNifti(const std::filesystem::path& file, const Scan& scan, bool mask = false);

}  // namespace fedtrial::imaging
