#include "tests/simulation/cohort/images/contrast.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace fedtrial::sim {
namespace {

struct Knot {
  double t1, value;
};

constexpr Knot kSame[] = {{0, 0}, {255, 255}};
constexpr Knot kBrainT2[] = {{0, 235}, {45, 225}, {80, 120}, {110, 85}, {255, 40}};
constexpr Knot kBrainFlair[] = {{0, 20}, {45, 30}, {62, 85}, {80, 125}, {110, 95}, {255, 60}};
constexpr Knot kOutsideContrast[] = {{0, 0}, {60, 62}, {100, 115}, {255, 255}};  // vessels and mucosa
constexpr Knot kOutsideT2[] = {{0, 0}, {20, 20}, {60, 75}, {130, 120}, {255, 150}};
constexpr Knot kOutsideFlair[] = {{0, 0}, {20, 15}, {60, 55}, {130, 100}, {255, 130}};

double Curve(std::span<const Knot> knots, double t1) {
  std::size_t i = 1;
  while (i + 1 < knots.size() && t1 > knots[i].t1) ++i;
  return std::lerp(knots[i - 1].value, knots[i].value, (t1 - knots[i - 1].t1) / (knots[i].t1 - knots[i - 1].t1));
}

std::span<const Knot> BrainCurve(MriSequence sequence) {
  if (sequence == MriSequence::kT2) return kBrainT2;
  return sequence == MriSequence::kFlair ? std::span<const Knot>(kBrainFlair) : std::span<const Knot>(kSame);
}

std::span<const Knot> OutsideCurve(MriSequence sequence) {
  switch (sequence) {
    case MriSequence::kT1Contrast:
      return kOutsideContrast;
    case MriSequence::kT2:
      return kOutsideT2;
    case MriSequence::kFlair:
      return kOutsideFlair;
    case MriSequence::kT1:
      break;
  }
  return kSame;
}

struct LesionValues {
  double core, rim, edema;
};
LesionValues ValuesOf(MriSequence sequence) {
  switch (sequence) {
    case MriSequence::kT1:
      return {45, 82, 74};
    case MriSequence::kT1Contrast:
      return {45, 165, 74};
    case MriSequence::kT2:
      return {205, 140, 185};
    case MriSequence::kFlair:
      return {85, 140, 190};
  }
  return {};
}

}  // namespace

Contrast::Contrast(MriSequence sequence, double gamma) : sequence_(sequence), gamma_(gamma) {
  for (std::size_t t1 = 0; t1 < brain_.size(); ++t1) {
    brain_[t1] = Bent(Curve(BrainCurve(sequence), static_cast<double>(t1)));
    outside_[t1] = Bent(Curve(OutsideCurve(sequence), static_cast<double>(t1)));
  }
}

double Contrast::Bent(double value) const { return 255.0 * std::pow(std::clamp(value, 0.0, 255.0) / 255.0, gamma_); }

double Contrast::WithLesion(double healthy, const LesionPart& part, double texture) const {
  const double lesion = part.core + part.rim + part.edema;
  if (lesion <= 0.0) return healthy;
  const LesionValues values = ValuesOf(sequence_);
  double rim = values.rim;
  if (sequence_ == MriSequence::kT1Contrast) {
    const double limited = std::clamp(texture, -2.5, 2.5);
    rim += 22.0 * limited + 6.0 * (3.0 + limited) * part.mottle;
  }
  return (1.0 - lesion) * healthy + part.core * Bent(values.core) + part.rim * Bent(rim) +
         part.edema * Bent(values.edema);
}

}  // namespace fedtrial::sim
