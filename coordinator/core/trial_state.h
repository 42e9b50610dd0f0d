#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/core/round.h"
#include "coordinator/core/trial.h"
#include "security/pki/revocation.h"

// Trial's inside, for its own .cc files.
namespace fedtrial::coordinator {

// Where the trial stands between two attempts: all but the growing lists. Written whole at the end of each attempt.
struct Standing {
  TrialState state = TrialState::kEnrolling;
  std::string pause_reason;
  StepPosition position;
  RoundId next{1, 0};                      // the next attempt
  std::uint32_t draws = 0;                 // graphs drawn in this round
  std::optional<std::set<SiteId>> asked;   // the set whose shares were asked for in this round
  std::map<SiteId, std::string> left_out;  // until an operator resumes the trial
  std::uint64_t timer = 0;                 // number of the latest
  std::uint64_t retry_timer = 0;           // that opens the next attempt; 0: none runs
  std::uint32_t failures = 0;              // attempts since the last commit or resume
  std::vector<Envelope> last_words;        // of the attempt before, for a site that comes late

  void Write(ByteWriter& writer) const;
  static Result<Standing> Read(ByteReader& reader);
};

struct Trial::State {
  explicit State(TrialIdentity id) : identity(std::move(id)) {}

  TrialIdentity identity;
  Standing standing;
  std::optional<Roster> roster;       // of the running round
  std::optional<Roster> next_roster;  // from the next round on
  std::optional<RevocationList> revocations;
  bool lists_changed = false;  // roster or revocations, since the last compacted record
  std::vector<ModelLink> links;
  ModelHeader header;  // of the latest model
  std::vector<RoundRecord> history;
  std::unique_ptr<Round> round;
  std::optional<RoundRecord> current;
  std::optional<Bytes> compacted;  // by the input in hand

  Status Apply(const Input& input, Draft& draft);
  Effects InOrder(const Input& input, Draft draft);

  Status On(const EnvelopeReceived& input, Draft& draft);
  Status On(const UploadStored& input, Draft& draft);
  Status On(const StepFinished& input, Draft& draft);
  Status On(const StepFailed& input, Draft& draft);
  Status On(const DeadlinePassed& input, Draft& draft);
  Status On(const PauseTrial& input, Draft& draft);
  Status On(const ResumeTrial& input, Draft& draft);
  Status On(const CloseTrial& input, Draft& draft);
  Status On(const RosterPublished& input, Draft& draft);
  Status On(const SiteRevoked& input, Draft& draft);

  // rounds.cc
  void OpenRound(Draft& draft);
  void Settle(Draft& draft);  // an attempt that has failed is put away
  void EndAttempt(RoundRecord record, const ModelLink* link, Draft& draft);
  void SetState(TrialState to, std::string reason, Draft& draft);
  void Pause(std::string reason, Draft& draft);
  RoundRecord Record(bool committed) const;
  Status ReplayEnd(ByteReader& reader);
  bool ShouldOpen() const {
    return standing.state == TrialState::kRunning && round == nullptr && standing.retry_timer == 0;
  }

  // The wait before the next attempt doubles with each that fails, up to 32 times retry_after.
  Duration RetryAfter() const {
    return identity.plan.rules.retry_after * (1 << std::clamp<int>(static_cast<int>(standing.failures) - 1, 0, 5));
  }
  Digest model() const { return links.empty() ? Digest{} : links.back().model; }
  std::set<SiteId> revoked() const { return revocations ? revocations->sites : std::set<SiteId>{}; }
  const std::optional<Roster>& latest_roster() const { return next_roster ? next_roster : roster; }
};

}  // namespace fedtrial::coordinator
