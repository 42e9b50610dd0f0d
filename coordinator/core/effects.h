#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "model/params/model.h"
#include "proto/codec/round_bodies.h"
#include "proto/plan/layout.h"
#include "security/crypto/secret.h"
#include "security/masking/envelope.h"
#include "security/masking/masks.h"

namespace fedtrial::coordinator {

// What the coordinator's core is told, and what it wants done. Vectors never pass through here: words lie in the spool,
// models in files; the core sees digests, lengths and blocks.

// --- inputs ---------------------------------------------------------------------------------------------------------
// A site's envelope, as received; the shell has checked that the TLS peer is its sender's roster row.
struct EnvelopeReceived {
  Envelope envelope;
};
// One masked upload lies whole in the spool, with this digest of its bytes. It counts once the site's signed Masked
// envelope with the same digest and length is there too (either may come first).
struct UploadStored {
  SiteId site;
  RoundId round;
  Digest digest{};
  std::uint64_t words = 0;
};
// Answer to RemoveMasks and FinishStep: the next model (or result) lies whole and durable under its digest.
struct StepFinished {
  RoundId round;
  Digest model{};  // of the next model file; the same as before where the task makes none
  ModelHeader header;
  bool again = false;  // the task wants another round of itself
  std::string result;  // JSON of the round's result (loss, metrics, counts), for ledger, status and report
};
struct StepFailed {
  RoundId round;
  std::string reason;
};
struct DeadlinePassed {
  std::uint64_t timer = 0;  // the number of the SetTimer it answers; an old one changes nothing
};
// Operator's words and roster changes, from control.sock.
struct PauseTrial {
  std::string reason;
};
struct ResumeTrial {};
struct CloseTrial {
  std::string reason;
};
struct RosterPublished {
  Bytes signed_roster;
};  // verified again by the core against the consortium's key
struct SiteRevoked {
  Bytes signed_list;
};  // the consortium's signed revocation list

using Input = std::variant<EnvelopeReceived, UploadStored, StepFinished, StepFailed, DeadlinePassed, PauseTrial,
                           ResumeTrial, CloseTrial, RosterPublished, SiteRevoked>;

// --- effects, carried out in order ----------------------------------------------------------------------------------
// Audit comes before the Journal or CompactJournal of the same input: a crash between the two may write a line twice,
// never lose one. Everything that can be seen from outside comes after it.
// Durable before the next effect. Replaying all records in order through Trial::Replay gives the same state.
struct Journal {
  Bytes record;
};
// An attempt is over: all records since the last CompactJournal (or the start) are superseded by this one, in one
// transaction. Replay takes these records like the others.
struct CompactJournal {
  Bytes record;
};
// To one site, or to every site that follows (receiver kBroadcastId). The shell keeps nothing: what a site needs when
// it (re)connects comes from Trial::CatchUp(site).
struct Send {
  SiteId site;
  Envelope envelope;
};
struct SetTimer {
  std::uint64_t timer = 0;
  Duration after{0};  // from now, on the shell's monotonic clock
};
// Opens the round's spool with an empty accumulator. Whole uploads of this very round that lie there stay (after a
// restart AddToSum follows for those that count).
struct OpenSpool {
  RoundId round;
  Manifest manifest;
};
// Adds a whole spooled upload to the accumulator: order doesn't matter, integers modulo 2^word_bits.
struct AddToSum {
  RoundId round;
  SiteId site;
  Digest digest{};
};
// Removes the leftover masks from the accumulator, then runs the task's Finish on the sum and makes model and result
// durable; answered by StepFinished or StepFailed. The keys are wiped when done.
struct FinishStep {
  RoundId round;
  Task task;
  Manifest manifest;
  std::vector<MaskTerm> masks;
  std::vector<SiteId> included;  // sorted
  Digest before{};               // the model the round started from; zeros before the first
};
// The round is over: its spool is emptied.
struct CloseSpool {
  RoundId round;
};
// Something an operator or a log wants to know; text is made in shell/telemetry. No secret, no patient.
struct Observe {
  enum class Kind {
    kPhaseOpened,
    kSiteHeard,
    kSiteRefused,
    kSiteDeclined,
    kSiteLate,
    kSiteLost,
    kMessageRejected,
    kRoundCommitted,
    kRoundFailed,
    kRoundLost,
    kTrialState,
    kRosterChanged,
    kViolation
  };
  Kind kind;
  RoundId round;
  Phase phase = Phase::kHello;
  SiteId site = kCoordinatorId;
  std::string detail;
};
// One line of the audit chain, durable in its order.
struct Audit {
  std::string action;
  RoundId round;
  Digest detail{};
};

using Effect =
    std::variant<Journal, CompactJournal, Send, SetTimer, OpenSpool, AddToSum, FinishStep, CloseSpool, Observe, Audit>;
using Effects = std::vector<Effect>;

// --- what status, report and dashboard read -------------------------------------------------------------------------
enum class SiteOutcome { kPending, kContributed, kLate, kRefused, kLost };
struct SiteRecord {
  SiteOutcome outcome = SiteOutcome::kPending;
  std::string reason;  // for refused: the site's or our own words
};
struct RoundRecord {
  RoundId id;
  Task task;
  bool committed = false;
  std::string failure;                 // why it failed; "" if committed or running
  std::map<SiteId, SiteRecord> sites;  // every invited site
  std::vector<SiteId> included;
  std::string result;  // StepFinished::result
  Digest model{};
};

enum class TrialState { kEnrolling, kRunning, kPaused, kClosed, kFinished };
std::string_view ToString(TrialState state);

}  // namespace fedtrial::coordinator
