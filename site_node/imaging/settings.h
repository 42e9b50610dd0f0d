#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace fedtrial::imaging {

// Everything else of the chain is fixed in its code; a change there that changes an output takes a new number here.
inline constexpr unsigned kChainVersion = 1;

// What a plan sets ([imaging]).
struct ImagingSettings {
  unsigned crop_mm = 96;                    // side of the cube around the lesion
  unsigned voxels = 64;                     // along a side of that cube in the prepared volume, at most crop_mm
  double clip_low = 0.5, clip_high = 99.5;  // percentiles inside the brain mask
};

Status CheckSettings(const ImagingSettings& settings);  // every bound, before any work

// Over chain version and settings: sites with equal digests ran the same chain.
Digest SettingsDigest(const ImagingSettings& settings);

// Names a prepared visit in a cache: over the digests of its input bytes (in their order), settings, atlas and chain.
Digest PreparationKey(std::span<const Digest> inputs, const ImagingSettings& settings);

}  // namespace fedtrial::imaging
