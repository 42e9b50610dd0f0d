#include "site_node/imaging/resample.h"

#include <itkAffineTransform.h>
#include <itkBSplineInterpolateImageFunction.h>
#include <itkLinearInterpolateImageFunction.h>
#include <itkNearestNeighborInterpolateImageFunction.h>
#include <itkResampleImageFilter.h>

#include "site_node/imaging/itk_guard.h"
#include "site_node/imaging/itk_image.h"
#include "site_node/imaging/itk_transform.h"

namespace fedtrial::imaging {

namespace {

itk::InterpolateImageFunction<ItkImage, double>::Pointer Interpolator(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kNearest:
      return itk::NearestNeighborInterpolateImageFunction<ItkImage, double>::New();
    case Interpolation::kLinear:
      return itk::LinearInterpolateImageFunction<ItkImage, double>::New();
    case Interpolation::kCubic:
      break;
  }
  auto cubic = itk::BSplineInterpolateImageFunction<ItkImage, double, float>::New();
  cubic->SetSplineOrder(3);
  return cubic;
}

}  // namespace

Result<Scan> Resample(const Scan& scan, const Grid& grid, const Transform& grid_to_scan, Interpolation interpolation,
                      float outside) {
  return GuardItk("resampling", [&]() -> Result<Scan> {
    auto frame = ItkImage::New();
    SetGrid(grid, *frame);
    auto filter = itk::ResampleImageFilter<ItkImage, ItkImage>::New();
    filter->SetInput(ViewOf(scan));
    filter->SetOutputParametersFromImage(frame);
    auto map = itk::AffineTransform<double, 3>::New();
    SetTransform(grid_to_scan, *map);
    filter->SetTransform(map);
    filter->SetInterpolator(Interpolator(interpolation));
    filter->SetDefaultPixelValue(outside);
    filter->Update();
    return CopyOf(*filter->GetOutput());
  });
}

}  // namespace fedtrial::imaging
