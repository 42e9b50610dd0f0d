#include "site_node/imaging/nifti_header.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <optional>

namespace fedtrial::imaging {

namespace {

// Places of the standard's fields.
constexpr std::size_t kDim = 40, kDatatype = 70, kPixdim = 76, kVoxOffset = 108, kSlope = 112, kIntercept = 116;
constexpr std::size_t kUnits = 123, kQformCode = 252, kSformCode = 254, kQuaternion = 256, kQoffset = 268;
constexpr std::size_t kSrow = 280, kMagic = 344;
constexpr double kMaxSkew = 1e-3;      // of the scalar product of two axes' unit vectors
constexpr double kFormsApart = 1.0;    // mm, at a corner
constexpr float kMaxOffset = 1 << 20;  // bytes: header and extensions

Error Refused(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

class Fields {
 public:
  Fields(ByteView bytes, bool swap) : bytes_(bytes), swap_(swap) {}
  std::int16_t Short(std::size_t at) const { return std::bit_cast<std::int16_t>(Word<std::uint16_t>(at)); }
  std::int32_t Int(std::size_t at) const { return std::bit_cast<std::int32_t>(Word<std::uint32_t>(at)); }
  float Float(std::size_t at) const { return std::bit_cast<float>(Word<std::uint32_t>(at)); }
  std::uint8_t Byte(std::size_t at) const { return bytes_[at]; }

 private:
  template <typename T>
  T Word(std::size_t at) const {
    T out = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      const std::size_t shift = 8 * (swap_ ? sizeof(T) - 1 - i : i);
      out = static_cast<T>(out | static_cast<T>(static_cast<T>(bytes_[at + i]) << shift));
    }
    return out;
  }

  ByteView bytes_;
  bool swap_;
};

double UnitMillimetres(std::uint8_t units) {
  switch (units & 7) {
    case 1:
      return 1000.0;  // metres
    case 3:
      return 0.001;  // micrometres
    default:
      return 1.0;  // millimetres, or not said
  }
}

// Index to world, RAS, in the file's unit.
Transform Sform(const Fields& fields) {
  Transform out;
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) out.linear[r][c] = static_cast<double>(fields.Float(kSrow + 16 * r + 4 * c));
    out.offset[r] = static_cast<double>(fields.Float(kSrow + 16 * r + 12));
  }
  return out;
}

// Method 2 of nifti1.h: quaternion (a, b, c, d) with a >= 0, pixdim[0] the sign of the third axis.
Transform Qform(const Fields& fields) {
  const double b = static_cast<double>(fields.Float(kQuaternion));
  const double c = static_cast<double>(fields.Float(kQuaternion + 4));
  const double d = static_cast<double>(fields.Float(kQuaternion + 8));
  const double a = std::sqrt(std::max(0.0, 1.0 - b * b - c * c - d * d));
  const double sign = fields.Float(kPixdim) < 0.0f ? -1.0 : 1.0;
  Transform out;
  out.linear = {{{a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)},
                 {2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)},
                 {2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c}}};
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t k = 0; k < 3; ++k)
      out.linear[r][k] *= static_cast<double>(fields.Float(kPixdim + 4 + 4 * k)) * (k == 2 ? sign : 1.0);
    out.offset[r] = static_cast<double>(fields.Float(kQoffset + 4 * r));
  }
  return out;
}

Transform ToLpsMillimetres(Transform ras, double unit) {
  for (std::size_t r = 0; r < 3; ++r) {
    const double factor = r < 2 ? -unit : unit;
    for (double& x : ras.linear[r]) x *= factor;
    ras.offset[r] *= factor;
  }
  return ras;
}

Status SetPlace(const Transform& place, Grid& grid) {
  for (const Vec3& row : place.linear)
    if (!std::all_of(row.begin(), row.end(), [](double x) { return std::isfinite(x); }))
      return Refused("the orientation is not finite");
  if (!std::all_of(place.offset.begin(), place.offset.end(), [](double x) { return std::isfinite(x); }))
    return Refused("the origin is not finite");
  grid.spacing = Scales(place);
  grid.origin = place.offset;
  for (std::size_t c = 0; c < 3; ++c) {
    if (!(grid.spacing[c] > 0.0)) return Refused(fmt::format("spacing along axis {} is 0", c));
    for (std::size_t r = 0; r < 3; ++r) grid.direction[r][c] = place.linear[r][c] / grid.spacing[c];
  }
  const Matrix3& d = grid.direction;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t j = (i + 1) % 3;
    const double skew = d[0][i] * d[0][j] + d[1][i] * d[1][j] + d[2][i] * d[2][j];
    if (std::abs(skew) > kMaxSkew)
      return Refused(
          fmt::format("axes {} and {} are not at right angles (the sform of a registration with 12 "
                      "parameters?): use the series as it was scanned",
                      i, j));
  }
  return {};
}

Status CheckFormat(ByteView bytes) {
  if (bytes.size() < kNiftiHeaderBytes)
    return Refused(fmt::format("{} bytes: a NIfTI header has {}", bytes.size(), kNiftiHeaderBytes));
  const std::int32_t little = Fields(bytes, false).Int(0), big = Fields(bytes, true).Int(0);
  if (little == 540 || big == 540) return Refused("NIfTI-2: only NIfTI-1 is read");
  if ((little != 348 && big != 348) || std::memcmp(&bytes[kMagic], "n+1", 4) != 0)
    return Refused("not a NIfTI-1 file of one piece (magic \"n+1\")");
  return {};
}

Status ReadDimensions(const Fields& fields, Grid& grid) {
  const int dimensions = fields.Short(kDim);
  if (dimensions < 3 || dimensions > 7) return Refused(fmt::format("{} dimensions: three are needed", dimensions));
  for (int k = 4; k <= dimensions; ++k)
    if (const int n = fields.Short(kDim + 2 * static_cast<std::size_t>(k)); n != 1)
      return Refused(fmt::format("dimension {} has {} entries: one volume is needed, not a series", k, n));
  for (std::size_t k = 0; k < 3; ++k) {
    const int n = fields.Short(kDim + 2 * (k + 1));
    if (n < 1) return Refused(fmt::format("dimension {} has {} voxels", k + 1, n));
    grid.size[k] = static_cast<std::size_t>(n);
  }
  return {};
}

// How far the two forms place a corner apart, at most, in mm.
double Apart(const Transform& one, const Transform& other, const Grid& grid) {
  double apart = 0.0;
  for (unsigned corner = 0; corner < 8; ++corner) {
    Vec3 at{};
    for (std::size_t k = 0; k < 3; ++k) at[k] = (corner >> k & 1) ? static_cast<double>(grid.size[k] - 1) : 0.0;
    const Vec3 a = Apply(one, at), b = Apply(other, at);
    apart = std::max(apart, std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
  }
  return apart;
}

Status ReadPlace(const Fields& fields, NiftiHeader& header) {
  const bool has_sform = fields.Short(kSformCode) > 0, has_qform = fields.Short(kQformCode) > 0;
  if (!has_sform && !has_qform) return Refused("no orientation: sform_code and qform_code are both 0");
  const double unit = UnitMillimetres(fields.Byte(kUnits));
  const Transform sform = ToLpsMillimetres(Sform(fields), unit), qform = ToLpsMillimetres(Qform(fields), unit);
  header.forms_disagree = has_sform && has_qform && !(Apart(sform, qform, header.grid) <= kFormsApart);
  return SetPlace(has_sform ? sform : qform, header.grid);
}

}  // namespace

std::size_t VoxelBytes(std::int16_t datatype) {
  switch (datatype) {
    case 2:
    case 256:
      return 1;  // uint8, int8
    case 4:
    case 512:
      return 2;  // int16, uint16
    case 8:
    case 16:
    case 768:
      return 4;  // int32, float32, uint32
    case 64:
      return 8;  // float64
    default:
      return 0;
  }
}

Result<NiftiHeader> ParseNiftiHeader(ByteView bytes) {
  RETURN_IF_ERROR(CheckFormat(bytes));
  NiftiHeader header;
  header.big_endian = Fields(bytes, true).Int(0) == 348;
  const Fields fields(bytes, header.big_endian);
  RETURN_IF_ERROR(ReadDimensions(fields, header.grid));
  header.datatype = fields.Short(kDatatype);
  if (VoxelBytes(header.datatype) == 0)
    return Refused(fmt::format("data type {}: only whole numbers up to 32 bits and floats are read", header.datatype));
  const float offset = fields.Float(kVoxOffset);
  if (!(offset >= static_cast<float>(kNiftiHeaderBytes) && offset <= kMaxOffset))
    return Refused(fmt::format("vox_offset {} is outside [{}, {}]", offset, kNiftiHeaderBytes, kMaxOffset));
  header.data_offset = static_cast<std::size_t>(offset);
  const float slope = fields.Float(kSlope), intercept = fields.Float(kIntercept);
  if (std::isfinite(slope) && slope != 0.0f && std::isfinite(intercept)) {
    header.slope = static_cast<double>(slope);
    header.intercept = static_cast<double>(intercept);
  }
  RETURN_IF_ERROR(ReadPlace(fields, header));
  return header;
}

}  // namespace fedtrial::imaging
