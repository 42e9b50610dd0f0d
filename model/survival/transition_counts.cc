#include "model/survival/transition_counts.h"

#include <cmath>

namespace fedtrial {
namespace {

enum Transition : std::size_t { kRecurs = 0, kDies = 1, kDiesAfter = 2 };

class Counting {
 public:
  Counting(const StepGrid& grid, TransitionCounts& counts) : grid_(grid), counts_(counts) {}

  // Steps first + 1 .. last.
  void AtRisk(Transition transition, std::size_t first, std::size_t last) {
    for (std::size_t step = first; step < last && step < grid_.steps(); ++step)
      counts_.at_risk[Place(transition, step)] += 1.0;
  }
  void Event(Transition transition, std::size_t step) {
    if (step >= 1 && step <= grid_.steps()) counts_.events[Place(transition, step - 1)] += 1.0;
  }

 private:
  std::size_t Place(Transition transition, std::size_t index) const {
    return transition * counts_.bins() + grid_.bin_of_step()[index];
  }

  const StepGrid& grid_;
  TransitionCounts& counts_;
};

}  // namespace

void AddCourse(const StepGrid& grid, const CoursePlace& place, TransitionCounts& counts) {
  Counting counting(grid, counts);
  using First = CoursePlace::First;
  if (place.first != First::kBeforeLandmark) {
    const std::size_t last = place.first == First::kNone ? place.survived : place.at;
    counting.AtRisk(kRecurs, 0, last);
    counting.AtRisk(kDies, 0, last);
    if (place.first == First::kRecurrence) counting.Event(kRecurs, place.at);
    if (place.first == First::kDeath) counting.Event(kDies, place.at);
  }
  if (place.first != First::kRecurrence && place.first != First::kBeforeLandmark) return;
  counting.AtRisk(kDiesAfter, place.from, place.after + (place.died_after ? 1 : 0));
  if (place.died_after) counting.Event(kDiesAfter, place.after + 1);
}

std::vector<double> StartTransitions(const TransitionCounts& counts) {
  const std::size_t bins = counts.bins();
  std::vector<double> logits(3 * bins);
  for (std::size_t k = 0; k < bins; ++k) {
    const double recurs = (counts.events[k] + 0.5) / (counts.at_risk[k] + 2.0);
    const double dies = (counts.events[bins + k] + 0.5) / (counts.at_risk[bins + k] + 2.0);
    const double stays = 1.0 - recurs - dies;
    logits[k] = std::log(recurs / stays);
    logits[bins + k] = std::log(dies / stays);
    const double after = (counts.events[2 * bins + k] + 0.5) / (counts.at_risk[2 * bins + k] + 1.0);
    logits[2 * bins + k] = std::log(after / (1.0 - after));
  }
  return logits;
}

}  // namespace fedtrial
