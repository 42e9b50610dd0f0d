#include "site_node/imaging/baseline_bytes.h"

#include <bit>
#include <cstring>

namespace fedtrial::imaging {

namespace {

static_assert(std::endian::native == std::endian::little, "voxels are written as they lie in memory");

constexpr std::string_view kMagic = "base1";
constexpr std::size_t kMaxVoxels = 50'000'000;

// Every number of a baseline beside its voxels, in one order for both ways.
template <typename Each>
void ForNumbers(auto& baseline, const Each& each) {
  auto& grid = baseline.head.grid;
  for (auto& value : grid.spacing) each(value);
  for (auto& value : grid.origin) each(value);
  for (auto& row : grid.direction)
    for (auto& value : row) each(value);
  for (auto& row : baseline.atlas_to_scan.linear)
    for (auto& value : row) each(value);
  for (auto& value : baseline.atlas_to_scan.offset) each(value);
  auto& quality = baseline.quality;
  for (auto& value : quality.affine_scale) each(value);
  for (auto* value : {&quality.mask_ml, &quality.atlas_likeness, &quality.rotation_deg, &quality.head_overlap,
                      &quality.information_before, &quality.information_after})
    each(*value);
}

}  // namespace

Bytes EncodeBaseline(const Baseline& baseline) {
  ByteWriter writer;
  const auto put = [&writer](double value) { writer.U64(std::bit_cast<std::uint64_t>(value)); };
  writer.Label(kMagic);
  for (const std::size_t n : baseline.head.grid.size) writer.U32(static_cast<std::uint32_t>(n));
  ForNumbers(baseline, put);
  writer.U8(baseline.lesion_centre ? 1 : 0);
  for (const double value : baseline.lesion_centre.value_or(Vec3{})) put(value);
  writer.Raw({reinterpret_cast<const std::uint8_t*>(baseline.head.voxels.data()),
              baseline.head.voxels.size() * sizeof(float)});
  for (const float v : baseline.brain.voxels) writer.U8(v > 0.5f ? 1 : 0);
  return writer.Take();
}

Result<Baseline> DecodeBaseline(ByteView bytes) {
  const Error bad{ErrorCode::kIntegrity, "a patient's baseline in the cache can't be read"};
  ByteReader reader(bytes);
  if (AsText(reader.Raw(kMagic.size())) != kMagic) return bad;
  Baseline baseline;
  Grid& grid = baseline.head.grid;
  for (std::size_t& n : grid.size) n = reader.U32();
  if (!CheckSize(grid, kMaxVoxels).ok()) return bad;
  const auto take = [&reader](double& value) { value = std::bit_cast<double>(reader.U64()); };
  ForNumbers(baseline, take);
  const bool lesion = reader.U8() != 0;
  Vec3 centre{};
  for (double& value : centre) take(value);
  if (lesion) baseline.lesion_centre = centre;
  const std::size_t voxels = VoxelCount(grid);
  if (reader.left() != voxels * (sizeof(float) + 1)) return bad;
  baseline.head.voxels.resize(voxels);
  std::memcpy(baseline.head.voxels.data(), reader.Raw(voxels * sizeof(float)).data(), voxels * sizeof(float));
  baseline.brain.grid = grid;
  baseline.brain.voxels.reserve(voxels);
  for (const std::uint8_t v : reader.Raw(voxels)) baseline.brain.voxels.push_back(v != 0 ? 1.0f : 0.0f);
  return baseline;
}

}  // namespace fedtrial::imaging
