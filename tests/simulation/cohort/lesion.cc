#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/simulation/cohort/course.h"

namespace fedtrial::sim {
namespace {

constexpr double kCoreShare = 0.50, kEdemaShare = 1.50;
constexpr int kEarlyDays = 84;  // progression before 12 weeks is confirmed by the next scan (RANO 2.0)

double EnhancingMl(double radius_mm, double core_share) {
  return 4.0 / 3.0 * std::numbers::pi * std::pow(radius_mm, 3) * (1.0 - std::pow(core_share, 3)) / 1000.0;
}

double RadiusMm(double enhancing_ml, double core_share) {
  return std::cbrt(enhancing_ml * 1000.0 * 3.0 / (4.0 * std::numbers::pi * (1.0 - std::pow(core_share, 3))));
}

LesionState StateOf(double radius, double core_share, double edema_radius) {
  LesionState state;
  state.enhancing_ml = EnhancingMl(radius, core_share);
  state.radius_mm = radius;
  state.core_share = core_share;
  state.edema_share = std::max(1.05, edema_radius / radius);
  state.sum_product_mm2 = 4.0 * radius * radius;
  return state;
}

// Where the enhancement may grow for a while: the next scan must show that the tumour didn't.
std::optional<std::size_t> DrawPseudoProgression(const ResponseParameters& parameters, const KnownCourse& course,
                                                 const TrueCourse& truth, Draws& draws) {
  const bool drawn = draws.Happens(parameters.pseudo_progression);
  const int wanted = draws.Whole(1, 2);
  for (std::size_t i = 1; i + 1 < course.visits.size(); ++i)
    if (drawn && course.visits[i].number == wanted &&
        (!truth.recurrence_day || course.visits[i + 1].day < *truth.recurrence_day))
      return i;
  return std::nullopt;
}

}  // namespace

std::vector<LesionState> DrawLesions(const ResponseParameters& parameters, const KnownCourse& course,
                                     const TrueCourse& truth, Draws& draws) {
  const double volume =
      std::clamp(draws.LogNormal(parameters.volume_ml.median, parameters.volume_ml.log_deviation), 1.0, 40.0);
  const auto pseudo = DrawPseudoProgression(parameters, course, truth, draws);
  double radius = RadiusMm(volume, kCoreShare);
  double smallest = radius;
  const double edema = radius * kEdemaShare;
  std::vector<LesionState> lesions;
  for (std::size_t i = 0; i < course.visits.size(); ++i) {
    const Visit& visit = course.visits[i];
    const bool shown = course.recurrence_day && visit.day >= *course.recurrence_day;
    const std::optional<int> next =
        i + 1 < course.visits.size() ? std::optional(course.visits[i + 1].day) : std::nullopt;
    const double drift = draws.Normal(), growth = draws.Uniform(), swelling = draws.Uniform(1.16, 1.34);
    LesionState state;
    if (shown) {
      const bool first = visit.day == *course.recurrence_day;
      radius = first ? smallest * (1.15 + 0.25 * growth) : radius * (1.05 + 0.15 * growth);
      state = StateOf(radius, 0.60, radius * 1.7);
      state.recurred = true;
      state.new_lesion = first && course.recurrence_type != "local";
      state.rano = "PD";
      if (visit.day < kEarlyDays) state.confirm_day = next;
    } else {
      if (i > 0) radius *= std::exp(visit.number <= 3 ? -0.06 + 0.04 * drift : 0.02 * drift);
      radius = std::min(radius, 1.08 * smallest);
      state = i == pseudo ? StateOf(smallest * swelling, 0.25, edema) : StateOf(radius, kCoreShare, edema);
      state.pseudo = i == pseudo;
      smallest = std::min(smallest, radius);
      const bool half = !lesions.empty() && state.sum_product_mm2 <= 0.5 * lesions.front().sum_product_mm2;
      state.rano = i == 0 ? "NE" : state.pseudo ? "PsP" : half ? "PR" : "SD";
      if (state.pseudo) state.confirm_day = next;
    }
    lesions.push_back(std::move(state));
  }
  return lesions;
}

}  // namespace fedtrial::sim
