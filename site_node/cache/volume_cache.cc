#include "site_node/cache/volume_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

#include "security/crypto/sha256.h"

namespace fedtrial::site {
namespace {

static_assert(std::endian::native == std::endian::little, "voxels are written as they lie in memory");

constexpr std::string_view kVolumeRole = "volume", kBaselineRole = "baseline";
constexpr std::string_view kMagic = "vol1";
constexpr std::uint32_t kMaxSide = 1024;
constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

std::string NameOf(std::string_view label, const Digest& visit, std::uint8_t which) {
  return ToHex(Sha256(ByteWriter().Label(label).Raw(visit).U8(which).bytes()));
}

}  // namespace

std::string VolumeName(const Digest& visit, MriSequence sequence) {
  return NameOf("fl/cache/volume/v1", visit, static_cast<std::uint8_t>(sequence));
}

std::string BaselineName(const Digest& visit) { return NameOf("fl/cache/baseline/v1", visit, 0); }

Result<Bytes> EncodeVolume(const Volume& volume) {
  const auto [x, y, z] = volume.size;
  const std::size_t voxels = x * y * z;
  if (std::ranges::any_of(volume.size, [](std::size_t n) { return n == 0 || n > kMaxSide; }) ||
      volume.image.size() != voxels || (!volume.lesion.empty() && volume.lesion.size() != voxels))
    return Error{ErrorCode::kInvalidInput, fmt::format("a volume of {} x {} x {} voxels with {} values can't be kept",
                                                       x, y, z, volume.image.size())};
  ByteWriter writer;
  writer.Label(kMagic);
  for (const std::size_t n : volume.size) writer.U32(static_cast<std::uint32_t>(n));
  writer.U8(volume.lesion.empty() ? 0 : 1);
  writer.Raw({reinterpret_cast<const std::uint8_t*>(volume.image.data()), voxels * sizeof(float)});
  for (const float each : volume.lesion) writer.U8(each > 0.5F ? 1 : 0);
  return writer.Take();
}

Result<Volume> DecodeVolume(ByteView bytes) {
  const auto bad = [](std::string_view what) {
    return Error{ErrorCode::kIntegrity, fmt::format("a prepared volume: {}", what)};
  };
  ByteReader reader(bytes);
  if (AsText(reader.Raw(kMagic.size())) != kMagic) return bad("not one of this version");
  Volume volume;
  for (std::size_t& side : volume.size) side = reader.U32();
  if (std::ranges::any_of(volume.size, [](std::size_t n) { return n == 0 || n > kMaxSide; })) return bad("its size");
  const bool lesion = reader.U8() != 0;
  const std::size_t voxels = volume.size[0] * volume.size[1] * volume.size[2];
  if (reader.left() != voxels * (sizeof(float) + (lesion ? 1 : 0))) return bad("its length");
  volume.image.resize(voxels);
  std::memcpy(volume.image.data(), reader.Raw(voxels * sizeof(float)).data(), voxels * sizeof(float));
  if (std::ranges::any_of(volume.image, [](float v) { return !std::isfinite(v); })) return bad("a voxel isn't finite");
  if (lesion)
    for (const std::uint8_t each : reader.Raw(voxels)) volume.lesion.push_back(each != 0 ? 1.0F : 0.0F);
  return volume;
}

VolumeCache::VolumeCache(std::filesystem::path folder, SecretBytes<32> key)
    : folder_(std::move(folder)),
      random_(std::make_unique<SystemRandom>()),
      sealer_(Sealer::FromKey(std::move(key), "", *random_)) {}

Result<Bytes> VolumeCache::Read(std::string_view role, const std::string& name) const {
  if (name.size() != 64 || !FromHex(name).ok())
    return Error{ErrorCode::kInvalidInput, fmt::format("no {} in the cache has such a name", role)};
  std::error_code error;
  const std::filesystem::path file = folder_ / name;
  if (!std::filesystem::exists(file, error))
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("the {} {} isn't in the cache: run `fedtrial-site prepare`", role, name.substr(0, 12))};
  // The name is part of the role: a file under another one doesn't open.
  auto bytes = sealer_.ReadFile(file, fmt::format("{}/{}", role, name), kMaxBytes);
  if (bytes.ok()) return bytes;
  return Error{bytes.error().code, fmt::format("{} (a {} of the cache; `fedtrial-site prepare` makes it again)",
                                               bytes.error().message, role)};
}

Status VolumeCache::Write(std::string_view role, const std::string& name, ByteView bytes) const {
  return sealer_.WriteFile(folder_ / name, fmt::format("{}/{}", role, name), bytes);
}

Result<Volume> VolumeCache::Load(const VolumeId& id) const {
  ASSIGN_OR_RETURN(const Bytes bytes, Read(kVolumeRole, id.key));
  return DecodeVolume(bytes);
}

Status VolumeCache::WriteVolume(const std::string& name, const Volume& volume) const {
  ASSIGN_OR_RETURN(const Bytes bytes, EncodeVolume(volume));
  return Write(kVolumeRole, name, bytes);
}

Result<Bytes> VolumeCache::ReadBaseline(const std::string& name) const { return Read(kBaselineRole, name); }

Status VolumeCache::WriteBaseline(const std::string& name, ByteView bytes) const {
  return Write(kBaselineRole, name, bytes);
}

Status VolumeCache::CheckVolume(const std::string& name) const {
  const auto volume = Load({.sequence = MriSequence::kT1, .day = 0.0, .key = name});
  return volume.ok() ? Status() : volume.error();
}

Status VolumeCache::CheckBaseline(const std::string& name) const {
  const auto baseline = ReadBaseline(name);
  return baseline.ok() ? Status() : baseline.error();
}

}  // namespace fedtrial::site
