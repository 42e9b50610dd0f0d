#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/random.h"
#include "proto/plan/plan.h"
#include "security/crypto/ed25519.h"
#include "security/pki/revocation.h"
#include "security/pki/roster.h"
#include "site_node/core/effects.h"

namespace fedtrial::site {

struct SiteIdentity {
  SiteId id;
  std::string trial_id;
  SigningKey key;
  VerifyKey consortium;  // pinned at enrolment
  Digest software{};
};

// One hospital's side of the rounds: checks what the coordinator says, keeps its promises in the journal, and says what
// to send. Not thread-safe: one driver thread. All randomness of an attempt comes from one seed drawn from `random` and
// journalled, so a replay makes the same bytes. On an error nothing has changed.
class Participant {
 public:
  Participant(SiteIdentity identity, Random& random);
  ~Participant();
  Participant(Participant&&) noexcept;
  Participant& operator=(Participant&&) noexcept;

  Result<Effects> Handle(const Input& input, Time now);

  Status Replay(ByteView record);
  Effects Resume(Time now);  // repeats what was not answered; the coordinator resends the open phase on reconnect

  const std::optional<Plan>& plan() const;      // as approved
  const std::optional<Roster>& roster() const;  // as pinned
  const std::optional<RevocationList>& revocations() const;
  bool paused() const;
  struct Standing {
    RoundId round;  // the latest seen
    Phase phase = Phase::kHello;
    bool in_round = false;
    std::string last_reason;  // of a decline or failure
    Digest model{};           // the latest accepted
    std::uint64_t rounds_contributed = 0;
  };
  Standing standing() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fedtrial::site
