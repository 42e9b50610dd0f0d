#include "tests/simulation/cohort/images/smooth_noise.h"

#include <cmath>

namespace fedtrial::sim {
namespace {

constexpr std::size_t kCells = 16;

}  // namespace

SmoothNoise::SmoothNoise(double cell_mm, Draws& draws) : cell_mm_(cell_mm), lattice_(kCells * kCells * kCells) {
  for (float& value : lattice_) value = static_cast<float>(draws.Uniform(-1.0, 1.0));
}

double SmoothNoise::At(const Point& point) const {
  std::array<std::size_t, 3> cell{}, next{};
  std::array<double, 3> part{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double at = point[axis] / cell_mm_;
    const double floor = std::floor(at);
    const double fraction = at - floor;
    part[axis] = fraction * fraction * (3.0 - 2.0 * fraction);
    const auto whole = static_cast<long>(floor) % static_cast<long>(kCells);
    cell[axis] = static_cast<std::size_t>(whole < 0 ? whole + static_cast<long>(kCells) : whole);
    next[axis] = (cell[axis] + 1) % kCells;
  }
  const auto along_x = [&](std::size_t y, std::size_t z) {
    const float* row = &lattice_[(z * kCells + y) * kCells];
    return std::lerp(static_cast<double>(row[cell[0]]), static_cast<double>(row[next[0]]), part[0]);
  };
  const double front = std::lerp(along_x(cell[1], cell[2]), along_x(next[1], cell[2]), part[1]);
  const double back = std::lerp(along_x(cell[1], next[2]), along_x(next[1], next[2]), part[1]);
  return std::lerp(front, back, part[2]);
}

}  // namespace fedtrial::sim
