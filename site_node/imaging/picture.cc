#include "site_node/imaging/picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include "site_node/imaging/intensity.h"

namespace fedtrial::imaging {

namespace {

constexpr Colour kRed{230, 40, 40}, kYellow{250, 220, 40}, kCyan{40, 220, 230}, kWhite{255, 255, 255};
constexpr double kEdgePercentile = 95.0;
constexpr std::size_t kGap = 4;  // pixels between tiles

enum class Plane { kAxial, kCoronal, kSagittal };

// One slice of a grid as pixels: from the left the patient's right (front in a sagittal one), from the top head or
// front. The grid's voxels go to the right, the front and the head.
class Slice {
 public:
  Slice(const Grid& grid, Plane plane, double share) : grid_(grid), plane_(plane) {
    const std::size_t along = plane == Plane::kAxial ? 2 : plane == Plane::kCoronal ? 1 : 0;
    at_ = static_cast<std::size_t>(share * static_cast<double>(grid.size[along] - 1));
  }
  std::size_t width() const { return grid_.size[plane_ == Plane::kSagittal ? 1 : 0]; }
  std::size_t height() const { return grid_.size[plane_ == Plane::kAxial ? 1 : 2]; }
  std::size_t Voxel(std::size_t x, std::size_t y) const {
    const std::size_t across = width() - 1 - x, up = height() - 1 - y;
    switch (plane_) {
      case Plane::kAxial:
        return Offset(grid_, across, up, at_);
      case Plane::kCoronal:
        return Offset(grid_, across, at_, up);
      case Plane::kSagittal:
        break;
    }
    return Offset(grid_, at_, across, up);
  }

 private:
  const Grid& grid_;
  Plane plane_;
  std::size_t at_ = 0;
};

struct Window {
  float low, high;
  Colour Grey(float v) const {
    if (!std::isfinite(v)) return {0, 0, 40};  // not scanned
    const float share = high > low ? std::clamp((v - low) / (high - low), 0.0f, 1.0f) : 0.0f;
    const auto grey = static_cast<std::uint8_t>(std::lround(share * 255.0f));
    return {grey, grey, grey};
  }
};

Window WindowOf(const Scan& image, const Scan& brain) {
  std::vector<float> values = Inside(image, brain);
  if (values.empty()) return {0.0f, 1.0f};
  const float low = Percentile(values, 1.0);
  return {low, Percentile(values, 99.0)};
}

Picture Grey(const Scan& image, const Slice& slice, const Window& window) {
  Picture tile(slice.width(), slice.height());
  for (std::size_t y = 0; y < slice.height(); ++y)
    for (std::size_t x = 0; x < slice.width(); ++x) tile.Set(x, y, window.Grey(image.voxels[slice.Voxel(x, y)]));
  return tile;
}

void Outline(const Scan& mask, const Slice& slice, Colour colour, Picture& tile) {
  const auto set = [&](std::size_t x, std::size_t y) { return mask.voxels[slice.Voxel(x, y)] > 0.5f; };
  for (std::size_t y = 1; y + 1 < slice.height(); ++y)
    for (std::size_t x = 1; x + 1 < slice.width(); ++x)
      if (set(x, y) && !(set(x - 1, y) && set(x + 1, y) && set(x, y - 1) && set(x, y + 1))) tile.Set(x, y, colour);
}

void Edges(const Scan& image, const Slice& slice, Colour colour, Picture& tile) {
  const auto at = [&](std::size_t x, std::size_t y) { return image.voxels[slice.Voxel(x, y)]; };
  std::vector<float> steepness;
  for (std::size_t y = 1; y + 1 < slice.height(); ++y)
    for (std::size_t x = 1; x + 1 < slice.width(); ++x) {
      const float steep = std::hypot(at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1));
      steepness.push_back(std::isfinite(steep) ? steep : 0.0f);
    }
  std::vector<float> sorted = steepness;
  const float limit = Percentile(sorted, kEdgePercentile);
  const std::size_t width = slice.width() - 2;
  for (std::size_t i = 0; i < steepness.size(); ++i)
    if (limit > 0.0f && steepness[i] >= limit) tile.Set(i % width + 1, i / width + 1, colour);
}

void Letter(const std::array<std::string_view, 7>& rows, std::size_t left, Picture& tile) {
  for (std::size_t y = 0; y < rows.size(); ++y)
    for (std::size_t x = 0; x < rows[y].size(); ++x)
      if (rows[y][x] == '#') tile.Set(left + x, 3 + y, kWhite);
}

void MarkSides(Picture& tile) {
  Letter({"####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"}, 3, tile);
  Letter({"#....", "#....", "#....", "#....", "#....", "#....", "#####"}, tile.width() - 8, tile);
}

}  // namespace

Picture SeriesRow(const PictureInput& input) {
  struct Place {
    Plane plane;
    double share;
  };
  constexpr std::array<Place, 7> kPlaces{{{Plane::kAxial, 0.35},
                                          {Plane::kAxial, 0.5},
                                          {Plane::kAxial, 0.65},
                                          {Plane::kCoronal, 0.4},
                                          {Plane::kCoronal, 0.6},
                                          {Plane::kSagittal, 0.4},
                                          {Plane::kSagittal, 0.6}}};
  const Window window = WindowOf(input.image, input.brain);
  std::vector<Picture> tiles;
  for (const Place& place : kPlaces) {
    const Slice slice(input.image.grid, place.plane, place.share);
    Picture tile = Grey(input.image, slice, window);
    Outline(input.brain, slice, kRed, tile);
    if (input.lesion != nullptr) Outline(*input.lesion, slice, kYellow, tile);
    if (place.plane != Plane::kSagittal) MarkSides(tile);
    tiles.push_back(std::move(tile));
  }
  const Slice middle(input.image.grid, Plane::kAxial, 0.5);
  tiles.push_back(Grey(input.image, middle, window));
  Edges(input.baseline, middle, kCyan, tiles.back());
  tiles.push_back(Grey(input.before_bias, middle, WindowOf(input.before_bias, input.brain)));
  std::size_t width = 0, height = 0;
  for (const Picture& tile : tiles) {
    width += tile.width() + kGap;
    height = std::max(height, tile.height());
  }
  Picture row(width, height + kGap);
  std::size_t left = 0;
  for (const Picture& tile : tiles) {
    row.Paste(tile, left, 0);
    left += tile.width() + kGap;
  }
  return row;
}

Picture Stack(const std::vector<Picture>& rows) {
  std::size_t width = 0, height = 0;
  for (const Picture& row : rows) {
    width = std::max(width, row.width());
    height += row.height();
  }
  Picture stack(width, height);
  std::size_t top = 0;
  for (const Picture& row : rows) {
    stack.Paste(row, 0, top);
    top += row.height();
  }
  return stack;
}

}  // namespace fedtrial::imaging
