#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/core/agree.h"
#include "coordinator/core/draft.h"
#include "coordinator/core/hello.h"
#include "coordinator/core/keys.h"
#include "coordinator/core/masked.h"
#include "coordinator/core/shares.h"
#include "coordinator/core/terms.h"
#include "coordinator/core/unmask.h"

namespace fedtrial::coordinator {

// One attempt at a round, from its opening to the sum without masks. Its phases follow DESIGN.md, "Rounds".
class Round {
 public:
  // `asked`: the set whose shares were asked for in an earlier attempt at this round, or null; only it may be again.
  Round(RoundTerms terms, const std::set<SiteId>* asked);
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  void Open(const RoundOpenBody& body, Draft& draft);

  // A site's message, checked in the order of SECURITY.md. A signed message that breaks the rules is its sender's
  // fault: it is refused in this attempt and the round goes on (ok, with the change). Otherwise on an error nothing
  // has changed.
  Status Handle(const Envelope& envelope, Draft& draft);
  Status Handle(const UploadStored& upload, Draft& draft);
  void Deadline(std::uint64_t timer, Draft& draft);
  void Revoke(const std::set<SiteId>& revoked, Draft& draft);
  // Ends the attempt: sites are told, the spool is emptied.
  void Fail(std::string reason, Draft& draft);
  // The same after the shares were asked for: no other attempt at this round can do better.
  void Lose(std::string reason, Draft& draft);
  // The last word to the sites, signed like every message of this attempt.
  void Say(Phase phase, SiteId receiver, Bytes body, Draft& draft);

  // After a restart: timers, the accumulator, FinishStep.
  void Resume(Draft& draft) const;
  std::vector<Envelope> CatchUp(SiteId site) const;
  Result<std::uint64_t> WantsUpload(SiteId site) const;

  const RoundTerms& terms() const { return terms_; }
  Phase phase() const { return phase_; }
  bool failed() const { return phase_ == Phase::kFailed; }
  bool lost() const { return lost_; }    // failed so that only another round number may go on
  bool drawn() const { return drawn_; }  // the graph was: every r of U0 is known
  bool asked() const { return unmask_ != nullptr; }
  const std::string& failure() const { return failure_; }
  const std::set<SiteId>& included() const { return u3_; }
  Digest IncludedHash() const;
  // To be left out of later attempts: their ciphertexts or shares were of no use.
  const std::map<SiteId, std::string>& suspects() const { return suspects_; }
  std::map<SiteId, SiteRecord> Records(bool committed) const;
  const std::vector<Envelope>& closing() const { return closing_; }  // the opening and the last word

 private:
  struct Sent {
    Phase phase;
    Envelope envelope;
  };

  const std::set<SiteId>& Members() const;  // those who may speak in this phase
  bool Heard(Phase phase, SiteId site) const;
  Status CheckSender(const Envelope& envelope) const;
  Status Dispatch(const Envelope& envelope);
  void Refuse(SiteId site, const std::string& reason, Draft& draft);
  void Advance(Draft& draft);
  void Enter(Phase phase, Draft& draft);
  const PhaseRule& Rule() const;  // of this phase
  bool MinRuns() const;           // min_open has begun (in Hello: with the first answer) and isn't over
  void SetMinTimer(Draft& draft) const;
  void SetMaxTimer(Draft& draft) const;
  void Broadcast(const std::set<SiteId>& sites, std::vector<Bytes> envelopes, Draft& draft);
  std::set<SiteId> Staying() const;  // members heard in this phase, not refused
  void NoteAbsent(const std::set<SiteId>& staying, Draft& draft);

  void Leave(Draft& draft);  // to the next phase
  void OpenKeys(Draft& draft);
  void OpenShares(Draft& draft);
  void OpenMasked(Draft& draft);
  void OpenAgree(Draft& draft);
  void OpenUnmask(Draft& draft);
  void OpenCommit(Draft& draft);
  std::string BrokenBlock() const;
  void AddFinish(Draft& draft) const;

  RoundTerms terms_;
  std::optional<std::set<SiteId>> asked_before_;
  Phase phase_ = Phase::kHello;
  bool min_passed_ = false;
  bool deadline_ = false;
  bool lost_ = false;
  bool drawn_ = false;
  std::string failure_;
  std::uint64_t sequence_ = 0;  // of our last message
  std::vector<Sent> sent_;
  std::vector<Envelope> closing_;
  // Of each site's messages: their numbers with the digest of all bytes (a resend has the same), and the highest number
  // before this phase. Within a phase they may come in any order.
  std::map<SiteId, std::map<std::uint64_t, Digest>> accepted_;
  std::map<SiteId, std::uint64_t> last_seen_;
  std::map<SiteId, std::string> refused_;
  std::map<SiteId, Phase> absent_;  // whose message of this phase didn't come in time
  std::map<SiteId, std::string> suspects_;

  std::set<SiteId> u0_, u1_, u2_, u3_;
  MaskGraph graph_;
  HelloPhase hello_;
  std::unique_ptr<KeysPhase> keys_;
  std::unique_ptr<SharesPhase> shares_;
  std::unique_ptr<MaskedPhase> masked_;
  std::unique_ptr<AgreePhase> agree_;
  std::unique_ptr<UnmaskPhase> unmask_;
  bool rebuilt_ = false;
};

}  // namespace fedtrial::coordinator
