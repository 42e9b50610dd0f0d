#pragma once

#include <filesystem>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// Where Debian's mricron-data puts its templates.
inline constexpr const char* kAtlasFolder = "/usr/share/mricron/templates";

// Colin27: one head, the mean of 27 T1 scans (Holmes 1998, doi:10.1097/00004728-199803000-00032), in MNI space.
struct Atlas {
  Scan head;   // with skull, 181 x 217 x 181, 1 mm, right to left ... as RAS
  Scan brain;  // 1 inside: the whole brain with the fluid of sulci and ventricles, without holes
};

// Reads ch2.nii.gz and ch2bet.nii.gz and makes the solid brain mask of the latter (some seconds). kInvalidInput: not
// there (the package is named); kIntegrity: another file than the one whose SHA-256 is known.
Result<Atlas> LoadAtlas(const std::filesystem::path& folder = kAtlasFolder);

// Over both files: part of the key of everything prepared with them.
Digest AtlasDigest();

}  // namespace fedtrial::imaging
