#pragma once

#include <itkImage.h>

#include "site_node/imaging/scan.h"

// The room's own: scans as ITK sees them. Only .cc files that call filters include it.
namespace fedtrial::imaging {

using ItkImage = itk::Image<float, 3>;

void SetGrid(const Grid& grid, itk::ImageBase<3>& image);
Grid GridOf(const itk::ImageBase<3>& image);

// Looks at the scan's own memory: the scan must outlive it, and no filter may run in place on it.
ItkImage::Pointer ViewOf(const Scan& scan);
Scan CopyOf(const ItkImage& image);  // of the whole buffer, which must be the largest region

}  // namespace fedtrial::imaging
