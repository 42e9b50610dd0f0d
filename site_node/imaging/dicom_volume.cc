#include "site_node/imaging/dicom_volume.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <gdcmImageReader.h>
#include <iterator>
#include <string_view>

#include "site_node/imaging/dicom_stack.h"
#include "site_node/imaging/itk_guard.h"

namespace fedtrial::imaging {

namespace {

Error Refused(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

template <typename T>
void Convert(const std::vector<char>& raw, const SliceHeader& slice, float* out) {
  const std::size_t count = raw.size() / sizeof(T);
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, &raw[i * sizeof(T)], sizeof(T));
    out[i] = static_cast<float>(slice.slope * static_cast<double>(value) + slice.intercept);
  }
}

// Whether a file ends within its pixels, which GDCM passes over: looks for the pixels' tag with their length, which
// stand at most 12 bytes before them.
bool CutOff(const std::filesystem::path& file, std::size_t pixel_bytes) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const std::string_view tag("\xe0\x7f\x10\x00", 4);
  std::string length;
  for (unsigned i = 0; i < 4; ++i)
    length.push_back(static_cast<char>((pixel_bytes + pixel_bytes % 2) >> (8 * i) & 0xff));
  for (std::size_t at = bytes.find(tag); at != std::string::npos; at = bytes.find(tag, at + 1))
    for (const std::size_t ahead : {std::size_t{4}, std::size_t{8}})  // implicit, explicit
      if (bytes.compare(at + ahead, 4, length) == 0) return bytes.size() - at - ahead - 4 < pixel_bytes;
  return false;
}

// Writes columns * rows values.
Status ReadPixels(const SliceHeader& slice, float* out) {
  const std::string name = slice.file.filename().string();
  gdcm::ImageReader reader;
  reader.SetFileName(slice.file.c_str());
  if (!reader.Read()) return Refused(name + ": its pixels can't be read (unknown transfer syntax, or cut off)");
  const gdcm::Image& image = reader.GetImage();
  const gdcm::PixelFormat& format = image.GetPixelFormat();
  const std::size_t wanted = slice.columns * slice.rows * format.GetPixelSize();
  if (image.GetBufferLength() != wanted || format.GetSamplesPerPixel() != 1)
    return Refused(fmt::format("{}: {} bytes of pixels, wanted {}", name, image.GetBufferLength(), wanted));
  if (!slice.packed && CutOff(slice.file, wanted)) return Refused(name + ": cut off within its pixels");
  std::vector<char> raw(wanted);
  if (!image.GetBuffer(raw.data())) return Refused(name + ": its pixels can't be decoded");
  switch (format.GetScalarType()) {
    case gdcm::PixelFormat::UINT8:
      Convert<std::uint8_t>(raw, slice, out);
      return {};
    case gdcm::PixelFormat::INT8:
      Convert<std::int8_t>(raw, slice, out);
      return {};
    case gdcm::PixelFormat::UINT16:
      Convert<std::uint16_t>(raw, slice, out);
      return {};
    case gdcm::PixelFormat::INT16:
      Convert<std::int16_t>(raw, slice, out);
      return {};
    case gdcm::PixelFormat::UINT32:
      Convert<std::uint32_t>(raw, slice, out);
      return {};
    case gdcm::PixelFormat::INT32:
      Convert<std::int32_t>(raw, slice, out);
      return {};
    default:
      return Refused(name + ": pixels of a type that isn't read");
  }
}

void TurnOver(std::vector<float>& voxels) {
  const float top = *std::max_element(voxels.begin(), voxels.end());
  for (float& v : voxels) v = top - v;
}

bool InFrame(const Grid& grid, std::size_t x, std::size_t y) {
  const auto outer = [](std::size_t at, std::size_t n) { return 100 * at < 15 * n || 100 * (n - 1 - at) < 15 * n; };
  return outer(x, grid.size[0]) || outer(y, grid.size[1]);
}

}  // namespace

bool LooksWrittenOn(const Scan& scan) {
  constexpr std::size_t kStrokePixels = 20;
  const Grid& grid = scan.grid;
  const float bright = 0.6f * *std::max_element(scan.voxels.begin(), scan.voxels.end());
  std::size_t strokes = 0;
  for (std::size_t y = 1; y + 1 < grid.size[1]; ++y) {
    for (std::size_t x = 1; x + 1 < grid.size[0]; ++x) {
      if (!InFrame(grid, x, y)) continue;
      std::size_t same = 0;
      for (std::size_t z = 0; z < grid.size[2]; ++z) {
        const std::size_t at = Offset(grid, x, y, z);
        const float here = scan.voxels[at];
        const bool thin = std::min(scan.voxels[at - 1], scan.voxels[at + 1]) < 0.3f * here ||
                          std::min(scan.voxels[at - grid.size[0]], scan.voxels[at + grid.size[0]]) < 0.3f * here;
        if (here >= bright && thin && here == scan.voxels[Offset(grid, x, y, 0)]) ++same;
      }
      if (10 * same >= 9 * grid.size[2]) ++strokes;
    }
  }
  return strokes >= kStrokePixels;
}

Result<SeriesRead> ReadDicomVolume(const std::vector<std::filesystem::path>& files) {
  return GuardItk("DICOM series", [&]() -> Result<SeriesRead> {
    std::vector<SliceHeader> slices;
    for (const auto& file : files) {
      ASSIGN_OR_RETURN(SliceHeader slice, ReadSliceHeader(file));
      slices.push_back(std::move(slice));
    }
    ASSIGN_OR_RETURN(SliceStack stack, StackSlices(std::move(slices)));
    RETURN_IF_ERROR(CheckGrid(stack.grid, NiftiLimits{}.max_voxels));
    SeriesRead read{.scan = {stack.grid, {}}, .digest = {}, .warnings = std::move(stack.warnings)};
    read.scan.voxels.resize(VoxelCount(stack.grid));
    for (std::size_t z = 0; z < stack.slices.size(); ++z)
      RETURN_IF_ERROR(ReadPixels(stack.slices[z], &read.scan.voxels[Offset(stack.grid, 0, 0, z)]));
    RETURN_IF_ERROR(CheckVoxels(read.scan));
    if (stack.slices.front().photometric == "MONOCHROME1") TurnOver(read.scan.voxels);
    if (LooksWrittenOn(read.scan))
      return Refused("bright strokes, the same on all slices, look like writing in the frame: identity burned in?");
    return read;
  });
}

}  // namespace fedtrial::imaging
