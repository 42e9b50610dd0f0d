#include "site_node/imaging/registration.h"

#include <algorithm>
#include <cmath>
#include <itkAffineTransform.h>
#include <itkEuler3DTransform.h>
#include <itkImageRegistrationMethodv4.h>
#include <itkMattesMutualInformationImageToImageMetricv4.h>
#include <itkRegistrationParameterScalesFromPhysicalShift.h>
#include <itkRegularStepGradientDescentOptimizerv4.h>
#include <limits>
#include <optional>
#include <vector>

#include "site_node/imaging/itk_guard.h"
#include "site_node/imaging/itk_image.h"
#include "site_node/imaging/itk_transform.h"
#include "site_node/imaging/orient.h"
#include "site_node/imaging/start_rotations.h"

namespace fedtrial::imaging {

namespace {

using Metric = itk::MattesMutualInformationImageToImageMetricv4<ItkImage, ItkImage>;
using Optimizer = itk::RegularStepGradientDescentOptimizerv4<double>;
using Registration = itk::ImageRegistrationMethodv4<ItkImage, ItkImage>;
using Scales = itk::RegistrationParameterScalesFromPhysicalShift<Metric>;

constexpr unsigned kBins = 32;
constexpr int kSeed = 20261;  // sampling jitters its points even in regular mode
constexpr double kRelaxation = 0.5;
constexpr double kMinStep = 5e-3;
constexpr std::size_t kTriedStarts = 4;

struct Level {
  double spacing;  // mm, also the longest step
  double share;    // of the fixed grid's voxels that are sampled
  unsigned iterations;
};
constexpr Level kSearch{8.0, 1.0, 40};
constexpr Level kLevels[] = {{4.0, 0.5, 200}, {2.0, 0.1, 100}, {1.0, 0.01, 50}};

// Two scans at one level; a level as fine as the scan itself takes no copy.
class Pair {
 public:
  static Result<Pair> At(const Scan& fixed, const Scan& moving, double spacing) {
    Pair pair;
    ASSIGN_OR_RETURN(pair.fixed_, Coarser(fixed, spacing));
    ASSIGN_OR_RETURN(pair.moving_, Coarser(moving, spacing));
    pair.fixed_scan_ = &fixed;
    pair.moving_scan_ = &moving;
    return pair;
  }
  const Scan& fixed() const { return fixed_ ? *fixed_ : *fixed_scan_; }
  const Scan& moving() const { return moving_ ? *moving_ : *moving_scan_; }

 private:
  static Result<std::optional<Scan>> Coarser(const Scan& scan, double spacing) {
    const Vec3& own = scan.grid.spacing;
    if (std::all_of(own.begin(), own.end(), [&](double s) { return std::round(spacing / s) <= 1.0; }))
      return std::optional<Scan>();
    ASSIGN_OR_RETURN(Scan coarse, Shrink(scan, spacing));
    return std::optional<Scan>(std::move(coarse));
  }

  std::optional<Scan> fixed_, moving_;
  const Scan* fixed_scan_ = nullptr;
  const Scan* moving_scan_ = nullptr;
};

Metric::Pointer NewMetric() {
  auto metric = Metric::New();
  metric->SetNumberOfHistogramBins(kBins);
  metric->SetUseMovingImageGradientFilter(false);  // the gradient image would take 24 bytes a voxel
  metric->SetUseFixedImageGradientFilter(false);
  return metric;
}

// The metric's value for many maps of one pair.
class Information {
 public:
  explicit Information(const Pair& pair)
      : fixed_(ViewOf(pair.fixed())), moving_(ViewOf(pair.moving())), metric_(NewMetric()), map_(Affine::New()) {
    metric_->SetFixedImage(fixed_);
    metric_->SetMovingImage(moving_);
    metric_->SetMovingTransform(map_);
    metric_->SetVirtualDomainFromImage(fixed_);
    metric_->Initialize();
  }

  // Lowest where the two don't meet.
  double Of(const Transform& map) {
    SetTransform(map, *map_);
    try {
      const double value = metric_->GetValue();
      return metric_->GetNumberOfValidPoints() > 0 ? -value : kApart;
    } catch (const itk::ExceptionObject&) {
      return kApart;
    }
  }

 private:
  using Affine = itk::AffineTransform<double, 3>;
  static constexpr double kApart = std::numeric_limits<double>::lowest();

  ItkImage::Pointer fixed_, moving_;
  Metric::Pointer metric_;
  Affine::Pointer map_;
};

// Improves `map` in place. Its parameters begin near 0 (see Moved), so no angle comes near a right one, where three
// Euler angles lose a direction.
void Optimise(const Scan& fixed, const Scan& moving, ItkLinear& map, const Level& level) {
  const ItkImage::Pointer fixed_view = ViewOf(fixed), moving_view = ViewOf(moving);
  auto metric = NewMetric();
  auto scales = Scales::New();
  scales->SetMetric(metric);
  auto optimizer = Optimizer::New();
  optimizer->SetScalesEstimator(scales);
  optimizer->SetDoEstimateLearningRateOnce(true);
  optimizer->SetMaximumStepSizeInPhysicalUnits(level.spacing);
  optimizer->SetRelaxationFactor(kRelaxation);
  optimizer->SetMinimumStepLength(kMinStep);
  optimizer->SetNumberOfIterations(level.iterations);
  auto registration = Registration::New();
  registration->SetFixedImage(fixed_view);
  registration->SetMovingImage(moving_view);
  registration->SetMetric(metric);
  registration->SetOptimizer(optimizer);
  registration->SetInitialTransform(&map);
  registration->InPlaceOn();
  registration->SetNumberOfLevels(1);
  Registration::ShrinkFactorsArrayType shrink(1);
  shrink.Fill(1);
  registration->SetShrinkFactorsPerLevel(shrink);
  Registration::SmoothingSigmasArrayType sigmas(1);
  sigmas.Fill(0);
  registration->SetSmoothingSigmasPerLevel(sigmas);
  if (level.share < 1.0) {
    registration->SetMetricSamplingStrategy(Registration::MetricSamplingStrategyEnum::REGULAR);
    registration->SetMetricSamplingPercentage(level.share);
  }
  registration->MetricSamplingReinitializeSeed(kSeed);
  registration->Update();
}

// The scan with its place in space moved by inverse(start): what is left to find is near the identity.
Scan Moved(const Scan& scan, const Transform& start) {
  const Transform place = Compose(Inverse(start), IndexToWorld(scan.grid));
  Scan out{scan.grid, scan.voxels};
  out.grid.origin = place.offset;
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 3; ++c) out.grid.direction[r][c] = place.linear[r][c] / scan.grid.spacing[c];
  return out;
}

template <typename Map>
typename Map::Pointer IdentityAbout(const Vec3& centre) {
  auto map = Map::New();
  map->SetIdentity();
  typename Map::InputPointType point;
  for (unsigned k = 0; k < 3; ++k) point[k] = centre[k];
  map->SetCenter(point);
  return map;
}

// The map from a start, improved at one level.
Transform Improved(const Pair& pair, const Transform& start, const Level& level) {
  auto map = IdentityAbout<itk::Euler3DTransform<double>>(CentreOfMass(pair.fixed()));
  const Scan moving = Moved(pair.moving(), start);
  Optimise(pair.fixed(), moving, *map, level);
  return Compose(start, TransformOf(*map));
}

struct Start {
  Transform map;
  double information;
};

// The most promising of the starts, best first; as_scanned and the plain centres of mass are always among them.
std::vector<Start> PromisingStarts(const Pair& coarse, Information& information, const Transform& as_scanned) {
  const Vec3 from = CentreOfMass(coarse.fixed()), to = CentreOfMass(coarse.moving());
  std::vector<Start> starts{{as_scanned, information.Of(as_scanned)}};
  for (const Matrix3& rotation : StartRotations()) {
    const Transform turn{rotation, {}};
    const Vec3 turned = Apply(turn, from);
    const Transform map{rotation, {to[0] - turned[0], to[1] - turned[1], to[2] - turned[2]}};
    starts.push_back({map, information.Of(map)});
  }
  std::stable_sort(starts.begin() + 2, starts.end(),
                   [](const Start& a, const Start& b) { return a.information > b.information; });
  starts.resize(2 + kTriedStarts);
  return starts;
}

Result<Transform> BestStart(const Scan& fixed, const Scan& moving, const Transform& as_scanned) {
  ASSIGN_OR_RETURN(const Pair coarse, Pair::At(fixed, moving, kSearch.spacing));
  Information information(coarse);
  std::optional<Start> best;
  for (const Start& start : PromisingStarts(coarse, information, as_scanned)) {
    Start tried = start;
    try {
      tried.map = Improved(coarse, start.map, kSearch);
      tried.information = information.Of(tried.map);
    } catch (const itk::ExceptionObject&) {
      continue;  // this start led out of the image; another may not
    }
    if (!best || tried.information > best->information) best = tried;
  }
  if (!best) return Error{ErrorCode::kInvalidInput, "no start brings the two scans together"};
  return best->map;
}

// Keeps a rotation a rotation after many products: Gram-Schmidt over its rows.
Transform Rigid(Transform map) {
  Matrix3& m = map.linear;
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t q = 0; q < r; ++q) {
      const double along = m[r][0] * m[q][0] + m[r][1] * m[q][1] + m[r][2] * m[q][2];
      for (std::size_t c = 0; c < 3; ++c) m[r][c] -= along * m[q][c];
    }
    const double length = std::hypot(m[r][0], m[r][1], m[r][2]);
    for (double& x : m[r]) x /= length;
  }
  return map;
}

Result<Registered> WithInformation(const Scan& fixed, const Scan& moving, const Transform& before,
                                   const Transform& after) {
  ASSIGN_OR_RETURN(const Pair pair, Pair::At(fixed, moving, kLevels[0].spacing));
  Information information(pair);
  return Registered{after, std::max(0.0, information.Of(before)), std::max(0.0, information.Of(after))};
}

}  // namespace

Result<Registered> RegisterRigid(const Scan& fixed, const Scan& moving, const Transform& as_scanned, double finest_mm) {
  return GuardItk("rigid registration", [&]() -> Result<Registered> {
    ASSIGN_OR_RETURN(Transform map, BestStart(fixed, moving, as_scanned));
    for (const Level& level : kLevels) {
      if (level.spacing < finest_mm) break;
      ASSIGN_OR_RETURN(const Pair pair, Pair::At(fixed, moving, level.spacing));
      map = Rigid(Improved(pair, map, level));
    }
    return WithInformation(fixed, moving, as_scanned, map);
  });
}

Result<Registered> RegisterAffine(const Scan& fixed, const Scan& moving, const Transform& start) {
  return GuardItk("affine registration", [&]() -> Result<Registered> {
    auto map = IdentityAbout<itk::AffineTransform<double, 3>>(CentreOfMass(fixed));
    for (const Level& level : kLevels) {
      if (level.spacing < 2.0) break;
      ASSIGN_OR_RETURN(const Pair pair, Pair::At(fixed, moving, level.spacing));
      const Scan moved = Moved(pair.moving(), start);
      Optimise(pair.fixed(), moved, *map, level);
    }
    return WithInformation(fixed, moving, start, Compose(start, TransformOf(*map)));
  });
}

}  // namespace fedtrial::imaging
