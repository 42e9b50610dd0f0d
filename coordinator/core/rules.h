#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/plan/plan.h"

namespace fedtrial::coordinator {

// The four early phases leave when all have answered, or enough after min_open, or enough at the deadline. In Hello
// min_open counts from the first answer, and the deadline waits for it: where nobody could answer before (the trial
// begins, the coordinator was cut off), those who come together are taken together.
enum class Verdict { kStay, kLeave, kFail };

struct PhaseState {
  std::size_t heard = 0;
  std::size_t awaited = 0;  // of whom an answer may still come
  std::size_t needed = 0;
  bool min_passed = false;  // min_open is over
  bool deadline = false;    // max_open is over, and in Hello no min_open runs
};

inline Verdict Decide(const PhaseState& state) {
  const bool enough = state.heard >= state.needed;
  if (state.awaited == 0 || state.deadline) return enough ? Verdict::kLeave : Verdict::kFail;
  if (enough && state.min_passed) return Verdict::kLeave;
  return state.heard + state.awaited < state.needed ? Verdict::kFail : Verdict::kStay;
}

// Agree and Unmask are over as soon as there is enough: who is slower isn't needed.
inline Verdict DecideAtOnce(const PhaseState& state) {
  if (state.heard >= state.needed) return Verdict::kLeave;
  return state.deadline || state.heard + state.awaited < state.needed ? Verdict::kFail : Verdict::kStay;
}

// Numbers of a round's timers: two a phase above the round's base.
inline constexpr std::uint64_t kTimersPerRound = 2 * kSitePhases;
inline std::uint64_t MinTimer(std::uint64_t base, Phase phase) { return base + 2 * static_cast<std::uint64_t>(phase); }
inline std::uint64_t MaxTimer(std::uint64_t base, Phase phase) { return MinTimer(base, phase) + 1; }

// A block with fewer contributors is still too close to one site's data: the sites send zeros or refuse.
inline constexpr std::size_t kMinContributors = 3;

// Above 100 sites: how many graphs may be drawn in one round.
inline constexpr std::uint32_t kMaxDraws = 3;

}  // namespace fedtrial::coordinator
