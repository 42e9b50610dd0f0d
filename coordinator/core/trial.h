#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "coordinator/core/effects.h"
#include "proto/plan/plan.h"
#include "security/crypto/ed25519.h"
#include "security/pki/roster.h"

namespace fedtrial::coordinator {

struct TrialIdentity {
  Plan plan;
  VerifyKey consortium;    // signs plan, roster and revocation lists
  SigningKey coordinator;  // this program's own
};

// The trial: where it stands in the locked plan, its roster, the chain of models, and the one open round.
// Not thread-safe: one driver thread. Time is an argument; the coordinator's core draws no randomness.
// On an error nothing has changed.
class Trial {
 public:
  explicit Trial(TrialIdentity identity);
  ~Trial();
  Trial(Trial&&) noexcept;
  Trial& operator=(Trial&&) noexcept;

  Result<Effects> Handle(const Input& input, Time now);

  // Restart: every journalled record in order, then Resume once, whose effects set timers, rebuild the accumulator
  // (OpenSpool, AddToSum of each upload accepted) and repeat the effect that was not answered.
  Status Replay(ByteView record);
  Effects Resume(Time now);

  // What a site that has just connected must be told, in order: the open round's latest messages to it.
  std::vector<Envelope> CatchUp(SiteId site) const;
  // Whether an upload of this site is wanted now, and how long it must be; else the reason.
  Result<std::uint64_t> WantsUpload(SiteId site, RoundId round) const;  // bytes

  TrialState state() const;
  const std::optional<Roster>& roster() const;
  StepPosition position() const;
  const RoundRecord* current() const;               // the open round, or null
  const std::vector<RoundRecord>& history() const;  // finished attempts, oldest first
  const std::vector<ModelLink>& links() const;      // the chain of models
  Phase phase() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fedtrial::coordinator
