#include "site_node/imaging/deface.h"

#include "site_node/imaging/morphology.h"

namespace fedtrial::imaging {

namespace {

constexpr double kRim = 10.0;    // mm around the brain that stay
constexpr double kBrow = 5.0;    // MNI z, mm: below it lie eyes, nose, mouth
constexpr double kFront = 10.0;  // MNI y, mm: the ears lie behind it

}  // namespace

Result<Scan> FaceMask(const Scan& brain) {
  ASSIGN_OR_RETURN(Scan face, DistanceToEdge(brain));
  const Transform place = IndexToWorld(brain.grid);
  std::size_t at = 0;
  for (std::size_t z = 0; z < brain.grid.size[2]; ++z) {
    for (std::size_t y = 0; y < brain.grid.size[1]; ++y) {
      for (std::size_t x = 0; x < brain.grid.size[0]; ++x, ++at) {
        const Vec3 lps = Apply(place, {static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)});
        const bool in_face = -lps[1] > kFront && lps[2]<kBrow&& static_cast<double>(face.voxels[at])> kRim;
        face.voxels[at] = in_face ? 1.0f : 0.0f;
      }
    }
  }
  return face;
}

Scan Deface(const Scan& head, const Scan& face) {
  Scan out = head;
  for (std::size_t i = 0; i < out.voxels.size(); ++i)
    if (face.voxels[i] > 0.5f) out.voxels[i] = 0.0f;
  return out;
}

}  // namespace fedtrial::imaging
