#pragma once

#include <array>
#include <map>
#include <optional>
#include <utility>

#include "site_node/core/attempt.h"
#include "site_node/core/memory.h"
#include "site_node/core/participant.h"

// Participant's inside, for its own .cc files.
namespace fedtrial::site {

// How long a site keeps an attempt of which it hears nothing more: twice all its phases.
Duration OpenFor(const Plan& plan);

// The attempt that is open here.
struct Running {
  RoundId id;
  Envelope open;  // the coordinator's opening, as received
  RoundOpenBody body;
  std::uint64_t timer = 0;
  std::uint64_t last_sequence = 0;  // of the coordinator's in this ctx
  std::map<Phase, Envelope> received;
  Task task;
  std::optional<Manifest> manifest;                        // none while the model is awaited
  std::optional<Attempt> attempt;                          // none while awaited, or if this site declined
  std::optional<Envelope> decline;                         // the signed one
  std::optional<std::pair<Digest, std::uint64_t>> masked;  // y_i: digest and length
};

// What one input leads to, before it is put in order.
struct Draft {
  Effects audits;
  std::optional<Bytes> snapshot_before;  // of the state that the input is then applied to: the attempt before is over
  bool changed = false;
  bool ended = false;  // an attempt ended: the journal is compacted instead
  std::optional<SecretBytes<32>> seed;
  Effects effects;

  template <typename T>
  void Add(T effect) {
    effects.emplace_back(std::move(effect));
  }
  void Record(std::string action, const RoundId& round, const Digest& detail) {
    audits.emplace_back(Audit{std::move(action), round, detail});
  }
  void Tell(Observe::Kind kind, const RoundId& round, Phase phase, std::string detail) {
    effects.emplace_back(Observe{kind, round, phase, std::move(detail)});
  }
};

struct Participant::State {
  State(SiteIdentity id, Random& source) : identity(std::move(id)), random(source) {}

  SiteIdentity identity;
  Random& random;
  Memory memory;
  std::optional<Running> running;
  bool task_running = false;  // of memory.open_round; a restart ends it
  std::optional<std::array<std::uint8_t, 32>> replayed_seed;
  bool replaying = false;

  // Everything below: on an error nothing has changed. ok without draft.changed: nothing to journal.
  Status Apply(const Input& input, Draft& draft);
  Effects InOrder(const Input& input, Draft draft);

  // participant.cc: operator, roster, data
  Status On(const PlanApproved& input, Draft& draft);
  Status On(const PauseSite& input, Draft& draft);
  Status On(const ResumeSite& input, Draft& draft);
  Status On(const RosterReceived& input, Draft& draft);
  Status On(const RevocationsReceived& input, Draft& draft);
  Status On(const RevocationsChecked& input, Draft& draft);
  Status On(const CohortRead& input, Draft& draft);
  Status On(const DeadlinePassed& input, Draft& draft);
  Status On(const EnvelopeReceived& input, Draft& draft);

  // opening.cc: a round opens, the model comes, Hello goes
  Status OnRoundOpen(const Envelope& envelope, Draft& draft);
  Status On(const ModelReady& input, Draft& draft);

  // phases.cc: tasks, masks, upload, the later phases
  Status OnPhase(const Envelope& envelope, Draft& draft);
  Status On(const TaskFinished& input, Draft& draft);
  Status On(const TaskFailed& input, Draft& draft);
  Status On(const MaskedReady& input, Draft& draft);
  Status On(const UploadDone& input, Draft& draft);

  Status OnCommit(const Envelope& envelope, Draft& draft);
  void EndAttempt(Draft& draft, const std::string& reason);
  void StartTask(Draft& draft);
  void Mask(Draft& draft);
  void Answer(Phase phase, Draft& draft) const;
  SecretBytes<32> DrawSeed(Draft& draft);

 private:
  struct Prepared {
    Task task;
    Manifest manifest;
    Digest manifest_hash{};
  };
  Result<const Roster*> CheckOpening(const Envelope& envelope, const RoundOpenBody& body) const;
  Result<Prepared> Prepare(const Envelope& envelope, const RoundOpenBody& body, const Roster& roster,
                           const ModelHeader& header) const;
  Status MayJoin(const RoundOpenBody& body) const;
  void Decline(const std::string& reason, Draft& draft);
  void Join(Prepared prepared, Draft& draft);
  void LeaveRound(Draft& draft);
  Status CheckFromCoordinator(const Envelope& envelope) const;
  Status OnAgree(const PhaseOpenBody& body, Draft& draft);
  Status OnUnmask(const PhaseOpenBody& body, Draft& draft);
  Digest Contribution() const;
};

}  // namespace fedtrial::site
