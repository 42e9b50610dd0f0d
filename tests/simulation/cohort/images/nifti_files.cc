#include "tests/simulation/cohort/images/nifti_files.h"

#include <exception>
#include <fmt/format.h>
#include <itkNiftiImageIO.h>

namespace fedtrial::sim {
namespace {

Error Failed(const std::filesystem::path& file, const char* doing, const std::exception& fault) {
  return {ErrorCode::kUnavailable, fmt::format("{} can't be {}: {}", file.string(), doing, fault.what())};
}

// ITK's axes point to the left, the back and up.
void SetGrid(itk::ImageIOBase& io, const Grid& grid) {
  io.SetNumberOfDimensions(3);
  itk::ImageIORegion region(3);
  for (unsigned axis = 0; axis < 3; ++axis) {
    const double sign = axis < 2 ? -1.0 : 1.0;
    std::vector<double> direction(3, 0.0);
    direction[axis] = sign;
    io.SetDimensions(axis, grid.size[axis]);
    io.SetSpacing(axis, grid.spacing[axis]);
    io.SetOrigin(axis, sign * grid.origin[axis]);
    io.SetDirection(axis, direction);
    region.SetSize(axis, grid.size[axis]);
  }
  io.SetIORegion(region);
}

Status Write(const std::filesystem::path& file, const Grid& grid, itk::IOComponentEnum type, const void* voxels) {
  try {
    const auto io = itk::NiftiImageIO::New();
    io->SetFileName(file.string());
    SetGrid(*io, grid);
    io->SetPixelType(itk::IOPixelEnum::SCALAR);
    io->SetNumberOfComponents(1);
    io->SetComponentType(type);
    io->SetUseCompression(file.extension() == ".gz");
    io->Write(voxels);
  } catch (const std::exception& fault) {
    return Failed(file, "written", fault);
  }
  return {};
}

}  // namespace

Status WriteNifti(const std::filesystem::path& file, const Grid& grid, std::span<const float> voxels) {
  return Write(file, grid, itk::IOComponentEnum::FLOAT, voxels.data());
}
Status WriteNifti(const std::filesystem::path& file, const Grid& grid, std::span<const std::int16_t> voxels) {
  return Write(file, grid, itk::IOComponentEnum::SHORT, voxels.data());
}
Status WriteNifti(const std::filesystem::path& file, const Grid& grid, std::span<const std::uint8_t> voxels) {
  return Write(file, grid, itk::IOComponentEnum::UCHAR, voxels.data());
}

Result<std::vector<std::uint8_t>> ReadNiftiBytes(const std::filesystem::path& file,
                                                 const std::array<std::size_t, 3>& size) {
  try {
    const auto io = itk::NiftiImageIO::New();
    io->SetFileName(file.string());
    io->ReadImageInformation();
    bool fits = io->GetNumberOfDimensions() == 3 && io->GetComponentType() == itk::IOComponentEnum::UCHAR;
    for (unsigned axis = 0; fits && axis < 3; ++axis) fits = io->GetDimensions(axis) == size[axis];
    if (!fits)
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("{} isn't {} x {} x {} bytes", file.string(), size[0], size[1], size[2])};
    itk::ImageIORegion region(3);
    for (unsigned axis = 0; axis < 3; ++axis) region.SetSize(axis, size[axis]);
    io->SetIORegion(region);
    std::vector<std::uint8_t> voxels(size[0] * size[1] * size[2]);
    io->Read(voxels.data());
    return voxels;
  } catch (const std::exception& fault) {
    return Failed(file, "read", fault);
  }
}

}  // namespace fedtrial::sim
