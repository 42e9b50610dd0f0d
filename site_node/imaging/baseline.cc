#include "site_node/imaging/baseline.h"

#include <algorithm>
#include <cmath>

#include "site_node/imaging/brain_mask.h"
#include "site_node/imaging/head.h"
#include "site_node/imaging/lesion_crop.h"
#include "site_node/imaging/orient.h"
#include "site_node/imaging/registration.h"
#include "site_node/imaging/resample.h"

namespace fedtrial::imaging {

namespace {

constexpr double kCoarse = 4.0;  // mm

Result<double> OverlapOfHeads(const Scan& one, const Scan& other, const Transform& map) {
  ASSIGN_OR_RETURN(const Scan coarse_one, Shrink(one, kCoarse));
  ASSIGN_OR_RETURN(const Scan coarse_other, Shrink(other, kCoarse));
  ASSIGN_OR_RETURN(const Scan head_one, HeadMask(coarse_one));
  ASSIGN_OR_RETURN(const Scan head_other, HeadMask(coarse_other));
  return HeadOverlap(head_one, head_other, map);
}

// Of 4 mm copies: the folds of two brains never match.
Result<double> Likeness(const Scan& head, const Scan& atlas_here, const Scan& brain) {
  ASSIGN_OR_RETURN(const Scan coarse_head, Shrink(head, kCoarse));
  ASSIGN_OR_RETURN(const Scan coarse_atlas, Shrink(atlas_here, kCoarse));
  ASSIGN_OR_RETURN(const Scan coarse_brain, Shrink(brain, kCoarse));
  return Correlation(coarse_head, coarse_atlas, coarse_brain);
}

}  // namespace

Result<Baseline> MakeBaseline(const Scan& corrected, const Atlas& atlas) {
  ASSIGN_OR_RETURN(const Registered rigid, RegisterRigid(atlas.head, corrected, Transform{}, kCoarse));
  ASSIGN_OR_RETURN(const Registered affine, RegisterAffine(atlas.head, corrected, rigid.fixed_to_moving));
  Baseline baseline;
  // Two heads of different size have several rigid optima, one affine: its rigid part is the same however a patient
  // lay.
  baseline.atlas_to_scan = RigidPart(affine.fixed_to_moving, CentreOfMask(atlas.brain).value_or(Vec3{}));
  ASSIGN_OR_RETURN(baseline.head,
                   Resample(corrected, atlas.head.grid, baseline.atlas_to_scan, Interpolation::kCubic, 0.0f));
  for (float& v : baseline.head.voxels) v = std::max(0.0f, v);  // a cubic overshoots at edges
  const Transform to_atlas = Compose(Inverse(affine.fixed_to_moving), baseline.atlas_to_scan);
  ASSIGN_OR_RETURN(baseline.brain, BrainMask(atlas, baseline.head, to_atlas));
  BrainQuality& quality = baseline.quality;
  quality.mask_ml = MaskMillilitres(baseline.brain);
  quality.affine_scale = Scales(affine.fixed_to_moving);
  quality.rotation_deg = RotationDegrees(baseline.atlas_to_scan);
  quality.information_before = rigid.information_before;
  quality.information_after = affine.information_after;
  ASSIGN_OR_RETURN(quality.head_overlap, OverlapOfHeads(atlas.head, corrected, affine.fixed_to_moving));
  ASSIGN_OR_RETURN(const Scan atlas_here,
                   Resample(atlas.head, baseline.head.grid, to_atlas, Interpolation::kLinear, 0.0f));
  ASSIGN_OR_RETURN(quality.atlas_likeness, Likeness(baseline.head, atlas_here, baseline.brain));
  if (const Status fit = CheckBrain(quality); !fit.ok()) return fit.error();
  return baseline;
}

}  // namespace fedtrial::imaging
