#include "site_node/imaging/orient.h"

#include <algorithm>
#include <cmath>
#include <itkBinShrinkImageFilter.h>
#include <itkOrientImageFilter.h>

#include "site_node/imaging/itk_guard.h"
#include "site_node/imaging/itk_image.h"

namespace fedtrial::imaging {

Result<Scan> OrientToRas(const Scan& scan) {
  return GuardItk("orientation", [&]() -> Result<Scan> {
    auto filter = itk::OrientImageFilter<ItkImage, ItkImage>::New();
    filter->SetInput(ViewOf(scan));
    filter->UseImageDirectionOn();
    // ITK names an axis by where it comes from: towards right, front, head is "LPI".
    filter->SetDesiredCoordinateOrientation(itk::SpatialOrientation::ITK_COORDINATE_ORIENTATION_LPI);
    filter->Update();
    return CopyOf(*filter->GetOutput());
  });
}

Result<Scan> Shrink(const Scan& scan, double spacing_mm) {
  return GuardItk("shrinking", [&]() -> Result<Scan> {
    auto filter = itk::BinShrinkImageFilter<ItkImage, ItkImage>::New();
    filter->SetInput(ViewOf(scan));
    for (unsigned k = 0; k < 3; ++k) {
      const double factor = std::round(spacing_mm / scan.grid.spacing[k]);
      const auto most = static_cast<double>(scan.grid.size[k]);
      filter->SetShrinkFactor(k, static_cast<unsigned>(std::clamp(factor, 1.0, most)));
    }
    filter->Update();
    return CopyOf(*filter->GetOutput());
  });
}

}  // namespace fedtrial::imaging
