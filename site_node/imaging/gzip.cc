#include "site_node/imaging/gzip.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <zlib.h>

namespace fedtrial::imaging {

namespace {

constexpr int kGzipWindow = 15 + 16;                  // zlib's way to say: a gzip header and trailer
constexpr std::size_t kPiece = std::size_t{1} << 30;  // zlib counts in 32 bits

Error Refused(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

class Inflater {
 public:
  explicit Inflater(ByteView packed) : rest_(packed) { open_ = inflateInit2(&stream_, kGzipWindow) == Z_OK; }
  ~Inflater() {
    if (open_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Fills `out` as far as there is something; how many bytes were written.
  Result<std::size_t> Fill(std::span<std::uint8_t> out) {
    if (!open_) return Error{ErrorCode::kInternal, "zlib can't start"};
    std::size_t written = 0;
    while (written < out.size() && !ended_) {
      stream_.next_in = const_cast<Bytef*>(rest_.data());
      stream_.avail_in = static_cast<uInt>(std::min(rest_.size(), kPiece));
      stream_.next_out = out.data() + written;
      stream_.avail_out = static_cast<uInt>(std::min(out.size() - written, kPiece));
      const uInt in = stream_.avail_in, room = stream_.avail_out;
      const int state = inflate(&stream_, Z_NO_FLUSH);
      rest_ = rest_.subspan(in - stream_.avail_in);
      written += room - stream_.avail_out;
      if (state == Z_STREAM_END) {
        if (rest_.empty())
          ended_ = true;
        else if (inflateReset(&stream_) != Z_OK)
          return Error{ErrorCode::kInternal, "zlib can't go on"};
      } else if (state == Z_BUF_ERROR || (state == Z_OK && rest_.empty() && stream_.avail_out > 0)) {
        return Refused("truncated: the gzip stream breaks off");
      } else if (state != Z_OK) {
        return Refused("damaged: the gzip stream doesn't unpack");
      }
    }
    return written;
  }

 private:
  z_stream stream_{};
  ByteView rest_;
  bool open_ = false;
  bool ended_ = false;
};

}  // namespace

bool IsGzip(ByteView bytes) { return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

Result<Bytes> GunzipStart(ByteView packed, std::size_t size) {
  Bytes out(size);
  ASSIGN_OR_RETURN(const std::size_t written, Inflater(packed).Fill(out));
  out.resize(written);
  return out;
}

Result<Bytes> GunzipWhole(ByteView packed, std::size_t size) {
  Bytes out(size);
  Inflater inflater(packed);
  ASSIGN_OR_RETURN(const std::size_t written, inflater.Fill(out));
  if (written < size) return Refused(fmt::format("truncated: {} bytes where its header wants {}", written, size));
  std::array<std::uint8_t, 1> more{};
  ASSIGN_OR_RETURN(const std::size_t rest, inflater.Fill(more));  // reaches the trailer, where the CRC is checked
  if (rest != 0) return Refused(fmt::format("longer than the {} bytes of its header", size));
  return out;
}

Bytes Gzip(ByteView bytes) {
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&stream, bytes.size()));
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace fedtrial::imaging
