#include "site_node/imaging/settings.h"

#include <bit>
#include <fmt/format.h>

#include "security/crypto/sha256.h"
#include "site_node/imaging/atlas.h"

namespace fedtrial::imaging {

Status CheckSettings(const ImagingSettings& settings) {
  if (settings.crop_mm < 32 || settings.crop_mm > 160)
    return Error{ErrorCode::kInvalidInput, fmt::format("crop_mm {} is outside 32-160", settings.crop_mm)};
  if (settings.voxels < 16 || settings.voxels > settings.crop_mm)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("voxels {} is outside 16-{} (crop_mm)", settings.voxels, settings.crop_mm)};
  if (!(settings.clip_low >= 0.0 && settings.clip_low < settings.clip_high && settings.clip_high <= 100.0))
    return Error{ErrorCode::kInvalidInput, fmt::format("clip percentiles {} and {}: wanted 0 <= low < high <= 100",
                                                       settings.clip_low, settings.clip_high)};
  return {};
}

Digest SettingsDigest(const ImagingSettings& settings) {
  ByteWriter writer;
  writer.Label("fedtrial imaging").U32(kChainVersion).U32(settings.crop_mm).U32(settings.voxels);
  writer.U64(std::bit_cast<std::uint64_t>(settings.clip_low)).U64(std::bit_cast<std::uint64_t>(settings.clip_high));
  return Sha256(writer.bytes());
}

Digest PreparationKey(std::span<const Digest> inputs, const ImagingSettings& settings) {
  ByteWriter writer;
  writer.Label("fedtrial prepared visit").Raw(SettingsDigest(settings)).Raw(AtlasDigest());
  for (const Digest& input : inputs) writer.Raw(input);
  return Sha256(writer.bytes());
}

}  // namespace fedtrial::imaging
