#include "site_node/imaging/nifti.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <optional>

#include "security/crypto/sha256.h"
#include "site_node/imaging/gzip.h"
#include "site_node/imaging/nifti_header.h"

namespace fedtrial::imaging {

namespace {

Error Refused(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

std::string NameOf(const std::filesystem::path& file) { return file.filename().string(); }

Result<Bytes> ReadWhole(const std::filesystem::path& file, std::uintmax_t max_bytes) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(file, failure);
  if (failure) return Refused("can't be read: " + failure.message());
  if (size > max_bytes) return Refused(fmt::format("{} bytes: at most {} are read", size, max_bytes));
  Bytes bytes(size);
  std::ifstream stream(file, std::ios::binary);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!stream || static_cast<std::uintmax_t>(stream.gcount()) != size) return Refused("can't be read whole");
  return bytes;
}

template <typename T>
void Convert(ByteView bytes, const NiftiHeader& header, std::vector<float>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::array<std::uint8_t, sizeof(T)> raw;
    std::memcpy(raw.data(), &bytes[i * sizeof(T)], sizeof(T));
    if (header.big_endian) std::reverse(raw.begin(), raw.end());
    out[i] = static_cast<float>(header.slope * static_cast<double>(std::bit_cast<T>(raw)) + header.intercept);
  }
}

std::vector<float> ToFloats(ByteView bytes, const NiftiHeader& header) {
  std::vector<float> out(VoxelCount(header.grid));
  switch (header.datatype) {
    case 2:
      Convert<std::uint8_t>(bytes, header, out);
      break;
    case 256:
      Convert<std::int8_t>(bytes, header, out);
      break;
    case 4:
      Convert<std::int16_t>(bytes, header, out);
      break;
    case 512:
      Convert<std::uint16_t>(bytes, header, out);
      break;
    case 8:
      Convert<std::int32_t>(bytes, header, out);
      break;
    case 768:
      Convert<std::uint32_t>(bytes, header, out);
      break;
    case 16:
      Convert<float>(bytes, header, out);
      break;
    case 64:
      Convert<double>(bytes, header, out);
      break;
  }
  return out;
}

Result<SeriesRead> Read(const std::filesystem::path& file, const NiftiLimits& limits) {
  ASSIGN_OR_RETURN(const Bytes packed, ReadWhole(file, limits.max_voxels * sizeof(double) + (1u << 20)));
  const bool gzip = IsGzip(packed);
  Bytes start;
  if (gzip) {
    ASSIGN_OR_RETURN(start, GunzipStart(packed, kNiftiHeaderBytes));
  }
  ASSIGN_OR_RETURN(const NiftiHeader header, ParseNiftiHeader(gzip ? ByteView(start) : ByteView(packed)));
  RETURN_IF_ERROR(limits.whole_head ? CheckGrid(header.grid, limits.max_voxels)
                                    : CheckSize(header.grid, limits.max_voxels));
  const std::size_t wanted = header.data_offset + VoxelCount(header.grid) * VoxelBytes(header.datatype);
  const double ratio = static_cast<double>(wanted) / static_cast<double>(packed.size());
  if (gzip && ratio > limits.max_ratio)
    return Refused(
        fmt::format("unpacks to {:.0f} times its size: more than {:.0f} is taken for a bomb", ratio, limits.max_ratio));
  Bytes unpacked;
  if (gzip) {
    ASSIGN_OR_RETURN(unpacked, GunzipWhole(packed, wanted));
  } else if (packed.size() != wanted) {
    return Refused(fmt::format("{} bytes: its header wants {}", packed.size(), wanted));
  }
  SeriesRead read;
  read.digest = Sha256(packed);
  read.scan.grid = header.grid;
  read.scan.voxels = ToFloats((gzip ? ByteView(unpacked) : ByteView(packed)).subspan(header.data_offset), header);
  if (header.forms_disagree)
    read.warnings.push_back(
        "sform and qform place the image differently: left and right may be swapped; sform is used");
  return read;
}

void PutFloat(Bytes& bytes, std::size_t at, double value) {
  const auto word = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(word >> (8 * i));
}

void PutShort(Bytes& bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<std::uint8_t>(value & 0xff);
  bytes[at + 1] = static_cast<std::uint8_t>(value >> 8 & 0xff);
}

Bytes HeaderOf(const Grid& grid, bool mask) {
  constexpr std::size_t kDataOffset = 352;  // the header and four bytes that say "no extension"
  Bytes bytes(kDataOffset, 0);
  PutShort(bytes, 0, kNiftiHeaderBytes);
  PutShort(bytes, 40, 3);
  for (std::size_t k = 1; k < 8; ++k) PutShort(bytes, 40 + 2 * k, k <= 3 ? grid.size[k - 1] : 1);
  PutShort(bytes, 70, mask ? 2 : 16);
  PutShort(bytes, 72, mask ? 8 : 32);
  PutFloat(bytes, 76, 1.0);
  for (std::size_t k = 0; k < 3; ++k) PutFloat(bytes, 80 + 4 * k, grid.spacing[k]);
  PutFloat(bytes, 108, kDataOffset);
  PutFloat(bytes, 112, 1.0);
  bytes[123] = 2;  // mm
  PutShort(bytes, 254, 1);
  const Transform place = IndexToWorld(grid);
  for (std::size_t r = 0; r < 3; ++r) {
    const double to_ras = r < 2 ? -1.0 : 1.0;
    for (std::size_t c = 0; c < 3; ++c) PutFloat(bytes, 280 + 16 * r + 4 * c, to_ras * place.linear[r][c]);
    PutFloat(bytes, 292 + 16 * r, to_ras * place.offset[r]);
  }
  std::memcpy(&bytes[344], "n+1", 4);
  return bytes;
}

}  // namespace

Result<SeriesRead> ReadNifti(const std::filesystem::path& file, const NiftiLimits& limits) {
  Result<SeriesRead> read = Read(file, limits);
  if (!read.ok()) return read.error().In(NameOf(file));
  if (const Status fit = CheckVoxels(read->scan); !fit.ok()) return fit.error().In(NameOf(file));
  return read;
}

Result<Scan> ReadNiftiMask(const std::filesystem::path& file, const NiftiLimits& limits) {
  Result<SeriesRead> read = Read(file, limits);
  if (!read.ok()) return read.error().In(NameOf(file));
  for (float& v : read->scan.voxels) v = v > 0.5f ? 1.0f : 0.0f;
  return std::move(read->scan);
}

Status WriteNifti(const std::filesystem::path& file, const Scan& scan, bool mask) {
  Bytes bytes = HeaderOf(scan.grid, mask);
  bytes.reserve(bytes.size() + scan.voxels.size() * (mask ? 1 : 4));
  for (const float v : scan.voxels) {
    if (mask) {
      bytes.push_back(v > 0.5f ? 1 : 0);
    } else {
      const std::size_t at = bytes.size();
      bytes.resize(at + 4);
      PutFloat(bytes, at, static_cast<double>(v));
    }
  }
  const Bytes packed = Gzip(bytes);
  std::filesystem::path part = file;
  part += ".part";
  std::ofstream stream(part, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(packed.data()), static_cast<std::streamsize>(packed.size()));
  stream.close();
  std::error_code failure;
  if (stream) std::filesystem::rename(part, file, failure);
  if (!stream || failure) return Error{ErrorCode::kUnavailable, NameOf(file) + ": can't be written"};
  return {};
}

}  // namespace fedtrial::imaging
