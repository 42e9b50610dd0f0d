#include "site_node/imaging/atlas.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

#include "security/crypto/sha256.h"
#include "site_node/imaging/morphology.h"
#include "site_node/imaging/nifti.h"
#include "site_node/imaging/orient.h"
#include "site_node/imaging/resample.h"

namespace fedtrial::imaging {

namespace {

constexpr std::string_view kHeadDigest = "a009051127f64dc3dd554d5f5b589870ea72106d9642c21b4e7093e478cfc309";
constexpr std::string_view kBrainDigest = "592a2d20abdf36eefcb540ca8958428040edffc1bc1a18ba1dcfbabac77c5dd1";

Result<Scan> ReadTemplate(const std::filesystem::path& file, std::string_view digest) {
  if (!std::filesystem::exists(file))
    return Error{ErrorCode::kInvalidInput, fmt::format("{} isn't there: install Debian's mricron-data", file.string())};
  ASSIGN_OR_RETURN(const SeriesRead read, ReadNifti(file));
  if (ToHex(read.digest) != digest)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("{}: SHA-256 {}, wanted {}", file.filename().string(), ToHex(read.digest), digest)};
  return OrientToRas(read.scan);
}

struct Box {
  std::array<std::size_t, 3> first, size;
};

// Around what is set; the mask isn't empty.
Box BoxOf(const Scan& mask) {
  std::array<std::size_t, 3> low = mask.grid.size, high{};
  std::size_t at = 0;
  for (std::size_t z = 0; z < mask.grid.size[2]; ++z) {
    for (std::size_t y = 0; y < mask.grid.size[1]; ++y) {
      for (std::size_t x = 0; x < mask.grid.size[0]; ++x, ++at) {
        if (mask.voxels[at] <= 0.5f) continue;
        low = {std::min(low[0], x), std::min(low[1], y), std::min(low[2], z)};
        high = {std::max(high[0], x), std::max(high[1], y), std::max(high[2], z)};
      }
    }
  }
  return {low, {high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1}};
}

// Wears a mask down, from its map of distances to the outermost voxels' centres: the edge lies a voxel beyond them.
Scan Worn(const Scan& distance, double mm) { return AtMost(distance, 1.0 - mm - 0.01); }

// ch2bet is ragged, has streaks outside of the brain and is open along the midline: what is thinner than 1 mm goes,
// gaps up to 20 mm close, necks thinner than 12 mm part, and 3 mm are added, up to the fluid's outer edge.
// Growing by a then by b is growing by a + b, so neighbouring steps share one distance map.
Result<Scan> SolidBrain(const Scan& ragged) {
  constexpr std::size_t kRoom = 14;  // voxels: neither closing nor growing meets the rim
  const Box box = BoxOf(ragged);
  ASSIGN_OR_RETURN(const Scan edge, DistanceToEdge(Pad(Crop(ragged, box.first, box.size), kRoom)));
  ASSIGN_OR_RETURN(const Scan cleaned, DistanceToEdge(LargestPiece(Worn(edge, 1.0))));
  ASSIGN_OR_RETURN(const Scan closed, DistanceToEdge(FillHoles(AtMost(cleaned, 1.0 + 10.0))));
  ASSIGN_OR_RETURN(const Scan opened, DistanceToEdge(LargestPiece(Worn(closed, 10.0 + 6.0))));
  return Resample(AtMost(opened, 6.0 + 3.0), ragged.grid, Transform{}, Interpolation::kNearest, 0.0f);
}

}  // namespace

Result<Atlas> LoadAtlas(const std::filesystem::path& folder) {
  Atlas atlas;
  ASSIGN_OR_RETURN(atlas.head, ReadTemplate(folder / "ch2.nii.gz", kHeadDigest));
  ASSIGN_OR_RETURN(Scan ragged, ReadTemplate(folder / "ch2bet.nii.gz", kBrainDigest));
  if (ragged.grid.size != atlas.head.grid.size)
    return Error{ErrorCode::kInternal, "the atlas' head and brain have different grids"};
  for (float& v : ragged.voxels) v = v > 0.0f ? 1.0f : 0.0f;
  ASSIGN_OR_RETURN(atlas.brain, SolidBrain(ragged));
  atlas.brain.grid = atlas.head.grid;
  return atlas;
}

Digest AtlasDigest() {
  ByteWriter writer;
  writer.Label("fedtrial atlas 1").Enc(kHeadDigest).Enc(kBrainDigest);
  return Sha256(writer.bytes());
}

}  // namespace fedtrial::imaging
