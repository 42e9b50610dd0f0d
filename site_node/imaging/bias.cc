#include "site_node/imaging/bias.h"

#include <algorithm>
#include <cmath>
#include <itkBSplineControlPointImageFilter.h>
#include <itkN4BiasFieldCorrectionImageFilter.h>
#include <vector>

#include "site_node/imaging/head.h"
#include "site_node/imaging/itk_guard.h"
#include "site_node/imaging/itk_image.h"
#include "site_node/imaging/orient.h"
#include "site_node/imaging/sample_at.h"

namespace fedtrial::imaging {

namespace {

using ItkMask = itk::Image<unsigned char, 3>;
using N4 = itk::N4BiasFieldCorrectionImageFilter<ItkImage, ItkMask, ItkImage>;

constexpr double kCoarse = 4.0;  // mm
constexpr unsigned kLevels = 3;
constexpr unsigned kIterations = 30;    // a level
constexpr unsigned kControlPoints = 4;  // along an axis at the first level
constexpr float kConvergence = 1e-3f;

ItkMask::Pointer PositiveHead(const Scan& scan, const Scan& head) {
  auto mask = ItkMask::New();
  SetGrid(scan.grid, *mask);
  mask->Allocate();
  unsigned char* out = mask->GetBufferPointer();
  for (std::size_t i = 0; i < scan.voxels.size(); ++i) out[i] = head.voxels[i] > 0.5f && scan.voxels[i] > 0.0f;
  return mask;
}

// Natural logarithm of the field on the coarse grid.
Result<std::vector<float>> LogField(const Scan& coarse, const Scan& head) {
  return GuardItk("bias field", [&]() -> Result<std::vector<float>> {
    const ItkImage::Pointer image = ViewOf(coarse);
    auto n4 = N4::New();
    n4->SetInput(image);
    n4->SetMaskImage(PositiveHead(coarse, head));
    N4::ArrayType points, levels;
    points.Fill(kControlPoints);
    levels.Fill(kLevels);
    n4->SetNumberOfControlPoints(points);
    n4->SetNumberOfFittingLevels(levels);
    N4::VariableSizeArrayType iterations(kLevels);
    iterations.Fill(kIterations);
    n4->SetMaximumNumberOfIterations(iterations);
    n4->SetConvergenceThreshold(kConvergence);
    n4->Update();

    using Spline = itk::BSplineControlPointImageFilter<N4::BiasFieldControlPointLatticeType, N4::ScalarImageType>;
    auto spline = Spline::New();
    spline->SetInput(n4->GetLogBiasFieldControlPointLattice());
    spline->SetSplineOrder(n4->GetSplineOrder());
    spline->SetSize(image->GetLargestPossibleRegion().GetSize());
    spline->SetOrigin(image->GetOrigin());
    spline->SetDirection(image->GetDirection());
    spline->SetSpacing(image->GetSpacing());
    spline->Update();
    std::vector<float> field(coarse.voxels.size());
    const auto* values = spline->GetOutput()->GetBufferPointer();
    for (std::size_t i = 0; i < field.size(); ++i) field[i] = values[i][0];
    return field;
  });
}

void SubtractMean(std::vector<float>& field, const Scan& head) {
  double sum = 0.0, count = 0.0;
  for (std::size_t i = 0; i < field.size(); ++i) {
    sum += static_cast<double>(field[i] * head.voxels[i]);
    count += static_cast<double>(head.voxels[i]);
  }
  if (count > 0.0)
    for (float& v : field) v -= static_cast<float>(sum / count);
}

}  // namespace

Result<Scan> CorrectBias(const Scan& scan) {
  ASSIGN_OR_RETURN(const Scan coarse, Shrink(scan, kCoarse));
  ASSIGN_OR_RETURN(const Scan head, HeadMask(coarse));
  ASSIGN_OR_RETURN(std::vector<float> field, LogField(coarse, head));
  SubtractMean(field, head);
  const Transform to_coarse = Compose(Inverse(IndexToWorld(coarse.grid)), IndexToWorld(scan.grid));
  Scan out{scan.grid, std::vector<float>(scan.voxels.size())};
  std::size_t at = 0;
  for (std::size_t z = 0; z < scan.grid.size[2]; ++z) {
    for (std::size_t y = 0; y < scan.grid.size[1]; ++y) {
      for (std::size_t x = 0; x < scan.grid.size[0]; ++x, ++at) {
        const Vec3 there = Apply(to_coarse, {static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)});
        out.voxels[at] = scan.voxels[at] * std::exp(-static_cast<float>(LinearAt<1>(coarse.grid, field, there)[0]));
      }
    }
  }
  return out;
}

}  // namespace fedtrial::imaging
