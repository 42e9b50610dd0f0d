#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace fedtrial::imaging {

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
};

// A picture in memory: rows from the top, three bytes a pixel.
class Picture {
 public:
  Picture(std::size_t width, std::size_t height) : width_(width), height_(height), bytes_(width * height * 3, 0) {}

  std::size_t width() const { return width_; }
  std::size_t height() const { return height_; }
  const Bytes& bytes() const { return bytes_; }
  void Set(std::size_t x, std::size_t y, Colour colour);                // outside: nothing
  void Paste(const Picture& other, std::size_t left, std::size_t top);  // cut off where it doesn't fit

 private:
  std::size_t width_, height_;
  Bytes bytes_;
};

// Without time or text: the same picture, the same bytes.
Result<Bytes> ToPng(const Picture& picture);

}  // namespace fedtrial::imaging
