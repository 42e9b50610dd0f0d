#include "tests/simulation/cohort/images/raw_scan.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fedtrial::sim {
namespace {

constexpr double kTurnDegrees = 8.0, kShiftMm = 6.0;
constexpr double kMoveDegrees = 0.5, kMoveMm = 0.5;
constexpr double kBias = 0.07;          // deviation of each coefficient of the logarithm
constexpr double kNoiseOfScore = 16.0;  // intensity per unit of the site's noise figure

using Matrix3 = std::array<std::array<double, 3>, 3>;

Matrix3 Times(const Matrix3& a, const Matrix3& b) {
  Matrix3 product{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) product[i][j] += a[i][k] * b[k][j];
  return product;
}

// About x, then y, then z.
Matrix3 DrawTurn(double degrees, Draws& draws) {
  Matrix3 turn{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double angle = draws.Uniform(-degrees, degrees) * std::numbers::pi / 180.0;
    const std::size_t u = (axis + 1) % 3, v = (axis + 2) % 3;
    Matrix3 about{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    about[u][u] = about[v][v] = std::cos(angle);
    about[u][v] = -std::sin(angle);
    about[v][u] = std::sin(angle);
    turn = Times(about, turn);
  }
  return turn;
}

// Template voxels of scanner voxels.
class Placement {
 public:
  Placement(const Grid& grid, const Pose& pose) : grid_(grid), pose_(pose) {}
  Point At(std::size_t i, std::size_t j, std::size_t k) const {
    const Point scanner{grid_.origin[0] + grid_.spacing[0] * static_cast<double>(i),
                        grid_.origin[1] + grid_.spacing[1] * static_cast<double>(j),
                        grid_.origin[2] + grid_.spacing[2] * static_cast<double>(k)};
    Point at{};
    for (std::size_t row = 0; row < 3; ++row) {
      at[row] = pose_.shift[row] + (static_cast<double>(kHeadSize[row]) - 1.0) / 2.0;
      for (std::size_t column = 0; column < 3; ++column) at[row] += pose_.turn[row][column] * scanner[column];
    }
    return at;
  }

 private:
  const Grid& grid_;
  const Pose& pose_;
};

struct Tissue {
  double t1 = 0.0;
  bool brain = false;
};

// Trilinear; air outside of the template.
Tissue Sample(const TemplateHead& head, const Point& at) {
  std::array<std::size_t, 3> low{};
  Point part{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double floor = std::floor(at[axis]);
    if (floor < 0.0 || floor + 1.0 >= static_cast<double>(kHeadSize[axis])) return {};
    low[axis] = static_cast<std::size_t>(floor);
    part[axis] = at[axis] - floor;
  }
  double t1 = 0.0, brain = 0.0;
  for (std::size_t corner = 0; corner < 8; ++corner) {
    const std::size_t x = corner & 1, y = corner >> 1 & 1, z = corner >> 2;
    const double weight =
        (x == 1 ? part[0] : 1.0 - part[0]) * (y == 1 ? part[1] : 1.0 - part[1]) * (z == 1 ? part[2] : 1.0 - part[2]);
    const std::size_t voxel = TemplateHead::At(low[0] + x, low[1] + y, low[2] + z);
    t1 += weight * head.t1[voxel];
    brain += weight * head.brain[voxel];
  }
  return {t1, brain >= 0.5};
}

// exp of a polynomial of the second degree in coordinates from -1 to 1.
class Bias {
 public:
  explicit Bias(Draws& draws) {
    for (double& coefficient : coefficients_) coefficient = kBias * draws.Normal();
  }
  double At(double x, double y, double z) const {
    const auto& c = coefficients_;
    return std::exp(c[0] * x + c[1] * y + c[2] * z + c[3] * x * x + c[4] * y * y + c[5] * z * z + c[6] * x * y +
                    c[7] * y * z + c[8] * x * z);
  }

 private:
  std::array<double, 9> coefficients_{};
};

double Centred(std::size_t i, std::size_t size) {
  return 2.0 * static_cast<double>(i) / static_cast<double>(size - 1) - 1.0;
}

}  // namespace

Pose DrawPose(Draws& draws) {
  Pose pose;
  pose.turn = DrawTurn(kTurnDegrees, draws);
  for (double& shift : pose.shift) shift = draws.Uniform(-kShiftMm, kShiftMm);
  return pose;
}

Pose Moved(const Pose& pose, Draws& draws) {
  Pose moved;
  moved.turn = Times(DrawTurn(kMoveDegrees, draws), pose.turn);
  for (std::size_t axis = 0; axis < 3; ++axis) moved.shift[axis] = pose.shift[axis] + draws.Uniform(-kMoveMm, kMoveMm);
  return moved;
}

Grid GridOfScanner(const Scanner& scanner) {
  Grid grid;
  grid.spacing = scanner.spacing_mm;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    grid.size[axis] = static_cast<std::size_t>(std::ceil(static_cast<double>(kHeadSize[axis]) / grid.spacing[axis]));
    grid.origin[axis] = -grid.spacing[axis] * (static_cast<double>(grid.size[axis]) - 1.0) / 2.0;
  }
  return grid;
}

std::vector<std::int16_t> RawScan(const TemplateHead& head, const LesionShape& shape, const LesionState& state,
                                  const Contrast& contrast, double texture, const Scanner& scanner, const Pose& pose,
                                  Draws& draws) {
  const Grid grid = GridOfScanner(scanner);
  const Placement placement(grid, pose);
  const Bias bias(draws);
  const double noise = kNoiseOfScore * scanner.noise;
  std::vector<std::int16_t> scan;
  scan.reserve(grid.voxels());
  for (std::size_t k = 0; k < grid.size[2]; ++k)
    for (std::size_t j = 0; j < grid.size[1]; ++j)
      for (std::size_t i = 0; i < grid.size[0]; ++i) {
        const Point at = placement.At(i, j, k);
        const Tissue tissue = Sample(head, at);
        double value = contrast.Healthy(static_cast<std::uint8_t>(std::lround(tissue.t1)), tissue.brain);
        if (tissue.brain) value = contrast.WithLesion(value, shape.At(at, state), texture);
        value *= bias.At(Centred(i, grid.size[0]), Centred(j, grid.size[1]), Centred(k, grid.size[2]));
        const double real = value + noise * draws.Normal();
        const double imaginary = noise * draws.Normal();
        scan.push_back(static_cast<std::int16_t>(std::clamp(scanner.gain * std::hypot(real, imaginary), 0.0, 32767.0)));
      }
  return scan;
}

std::vector<std::uint8_t> RawLesionMask(const TemplateHead& head, const LesionShape& shape, const LesionState& state,
                                        const Scanner& scanner, const Pose& pose) {
  const Grid grid = GridOfScanner(scanner);
  const Placement placement(grid, pose);
  std::vector<std::uint8_t> mask;
  mask.reserve(grid.voxels());
  for (std::size_t k = 0; k < grid.size[2]; ++k)
    for (std::size_t j = 0; j < grid.size[1]; ++j)
      for (std::size_t i = 0; i < grid.size[0]; ++i) {
        const Point at = placement.At(i, j, k);
        const LesionPart part = shape.At(at, state);
        const bool inside = part.core + part.rim >= 0.5 && Sample(head, at).brain;
        mask.push_back(inside ? 1 : 0);
      }
  return mask;
}

}  // namespace fedtrial::sim
