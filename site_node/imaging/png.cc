#include "site_node/imaging/png.h"

#include <png.h>
#include <string>

namespace fedtrial::imaging {

void Picture::Set(std::size_t x, std::size_t y, Colour colour) {
  if (x >= width_ || y >= height_) return;
  const std::size_t at = (y * width_ + x) * 3;
  bytes_[at] = colour.red;
  bytes_[at + 1] = colour.green;
  bytes_[at + 2] = colour.blue;
}

void Picture::Paste(const Picture& other, std::size_t left, std::size_t top) {
  for (std::size_t y = 0; y < other.height_; ++y) {
    for (std::size_t x = 0; x < other.width_; ++x) {
      const std::size_t at = (y * other.width_ + x) * 3;
      Set(left + x, top + y, {other.bytes_[at], other.bytes_[at + 1], other.bytes_[at + 2]});
    }
  }
}

Result<Bytes> ToPng(const Picture& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width());
  image.height = static_cast<png_uint_32>(picture.height());
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  Bytes out;
  if (png_image_write_get_memory_size(image, size, 0, picture.bytes().data(), 0, nullptr) != 0) {
    out.resize(size);
    if (png_image_write_to_memory(&image, out.data(), &size, 0, picture.bytes().data(), 0, nullptr) != 0) {
      out.resize(size);
      return out;
    }
  }
  return Error{ErrorCode::kInternal, std::string("PNG: ") + image.message};
}

}  // namespace fedtrial::imaging
