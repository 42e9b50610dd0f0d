#include "tests/simulation/cohort/images/lesion_shape.h"

#include <algorithm>
#include <cmath>

namespace fedtrial::sim {
namespace {

constexpr int kInsideBrain = 20;                          // mm
constexpr int kFromMidline = 14;                          // mm
constexpr std::uint8_t kWhite = 98;                       // of the template's intensity
constexpr double kOutlineCell = 11.0, kMottleCell = 5.0;  // mm
constexpr double kOutlineDepth = 0.25;                    // of the radius
constexpr double kEdge = 0.10;                            // half-width of a soft edge, of the radius

bool FarInside(const TemplateHead& head, const std::array<std::size_t, 3>& at) {
  if (std::abs(static_cast<int>(at[0]) - static_cast<int>(kHeadSize[0] / 2)) < kFromMidline) return false;
  for (std::size_t axis = 0; axis < 3; ++axis)
    for (const int step : {-kInsideBrain, kInsideBrain}) {
      std::array<std::size_t, 3> there = at;
      const int moved = static_cast<int>(at[axis]) + step;
      if (moved < 0 || moved >= static_cast<int>(kHeadSize[axis])) return false;
      there[axis] = static_cast<std::size_t>(moved);
      if (head.brain[TemplateHead::At(there[0], there[1], there[2])] == 0) return false;
    }
  return true;
}

std::array<std::size_t, 3> DrawCentre(const TemplateHead& head, Draws& draws) {
  for (;;) {  // about one in ten voxels will do
    std::array<std::size_t, 3> at{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      at[axis] = static_cast<std::size_t>(draws.Whole(0, static_cast<int>(kHeadSize[axis]) - 1));
    if (head.t1[TemplateHead::At(at[0], at[1], at[2])] >= kWhite && FarInside(head, at)) return at;
  }
}

// 1 well below the edge, 0 well above it.
double Below(double distance, double edge) {
  const double x = std::clamp((edge + kEdge - distance) / (2.0 * kEdge), 0.0, 1.0);
  return x * x * (3.0 - 2.0 * x);
}

}  // namespace

LesionShape::LesionShape(const TemplateHead& head, Draws& draws)
    : centre_(DrawCentre(head, draws)), outline_(kOutlineCell, draws), mottle_(kMottleCell, draws) {}

LesionPart LesionShape::At(const Point& point, const LesionState& state) const {
  double square = 0.0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double off = point[axis] - static_cast<double>(centre_[axis]);
    square += off * off;
  }
  const double far = state.radius_mm * (1.0 + kOutlineDepth) * (state.edema_share + kEdge);
  if (square > far * far) return {};
  const double distance = std::sqrt(square) / (state.radius_mm * (1.0 + kOutlineDepth * outline_.At(point)));
  const double core = Below(distance, state.core_share), whole = Below(distance, 1.0);
  return {core, whole - core, Below(distance, state.edema_share) - whole, mottle_.At(point)};
}

}  // namespace fedtrial::sim
