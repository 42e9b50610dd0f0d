#include "site_node/shell/prepare_queue.h"

#include <fmt/format.h>

namespace fedtrial::site {

std::optional<PatientQueue::Turn> PatientQueue::Take() {
  if (next_ == visits_.size()) return std::nullopt;
  Turn turn;
  turn.visit = &visits_[next_];
  if (!turn.visit->day) {
    turn.refused = fmt::format("no day of it in {0}/{0}_sessions.tsv", turn.visit->subject);
  } else if (!turn.visit->prepared && !baseline_.empty()) {
    turn.laid_onto = baseline_;
  } else if (!turn.visit->prepared) {
    if (seeking_) return std::nullopt;
    if (turn.visit->may_have_contrast)
      seeking_ = turn.makes_baseline = true;
    else
      turn.refused = "no contrast T1 in it or in a visit before it, onto which it could be laid";
  }
  ++next_;
  return turn;
}

void PatientQueue::Done(const Turn& turn, const std::string& baseline) {
  if (!turn.makes_baseline) return;
  seeking_ = false;
  baseline_ = baseline;
}

}  // namespace fedtrial::site
