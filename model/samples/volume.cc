#include "model/samples/volume.h"

#include <algorithm>
#include <cmath>

namespace fedtrial {

std::string_view ToString(MriSequence sequence) {
  switch (sequence) {
    case MriSequence::kT1:
      return "T1w";
    case MriSequence::kT1Contrast:
      return "ce-gd_T1w";
    case MriSequence::kT2:
      return "T2w";
    case MriSequence::kFlair:
      return "FLAIR";
  }
  return "unknown";
}

std::optional<LesionFigures> FiguresOf(const Volume& volume) {
  double count = 0.0, sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < volume.lesion.size(); ++i) {
    if (volume.lesion[i] == 0.0F) continue;
    const auto value = static_cast<double>(volume.image[i]);
    count += 1.0;
    sum += value;
    squares += value * value;
  }
  if (count == 0.0) return std::nullopt;
  const double mean = sum / count;
  return LesionFigures{std::log1p(1000.0 * count / static_cast<double>(volume.lesion.size())), mean,
                       std::sqrt(std::max(0.0, squares / count - mean * mean))};
}

}  // namespace fedtrial
