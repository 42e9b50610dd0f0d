#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "model/params/model.h"
#include "model/samples/sample.h"
#include "proto/plan/layout.h"
#include "security/masking/envelope.h"
#include "security/masking/masks.h"

namespace fedtrial::site {

// --- inputs ---------------------------------------------------------------------------------------------------------
struct EnvelopeReceived {
  Envelope envelope;  // from the coordinator's Follow stream
};
// The model of this digest lies whole and checked in models/.
struct ModelReady {
  Digest digest{};
  ModelHeader header;
};
// The worker's contribution lies encoded as words in upload/ (sealed), journalled by its digest.
struct TaskFinished {
  RoundId round;
  Digest words_digest{};
  Digest cohort{};  // a cohort other than the summary's is a failed task
  std::uint64_t clipped = 0;
};
struct TaskFailed {
  RoundId round;
  std::string reason;
};
// y_i lies whole in upload/, with its length and digest.
struct MaskedReady {
  RoundId round;
  Digest digest{};
  std::uint64_t length = 0;
};
struct UploadDone {
  RoundId round;
};
struct DeadlinePassed {
  std::uint64_t timer = 0;
};
// From the operator, through control.sock or the approval page.
struct PlanApproved {
  Bytes plan;            // plan.toml's bytes
  Bytes approval;        // Approval::Encode (security/pki/approval.h), with the site's key over this plan
  Bytes plan_signature;  // the consortium's, 64 bytes (SignPlan)
};
struct PauseSite {
  std::string reason;
};
struct ResumeSite {};
struct RosterReceived {
  Bytes signed_roster;
  bool pinned_by_operator = false;
};
struct RevocationsReceived {
  Bytes signed_list;
};
struct RevocationsChecked {
  std::string stale;  // why the list is too old to go on with; empty: it isn't, or there is none
};
struct CohortRead {
  CohortSummary summary;
};  // what `cohort` counted; again after data changed

using Input = std::variant<EnvelopeReceived, ModelReady, TaskFinished, TaskFailed, MaskedReady, UploadDone,
                           DeadlinePassed, PlanApproved, PauseSite, ResumeSite, RosterReceived, RevocationsReceived,
                           RevocationsChecked, CohortRead>;

// --- effects, carried out in order ----------------------------------------------------------------------------------
// Audit comes before the Journal or CompactJournal of the same input: a crash between the two may write a line twice,
// never lose one. Everything that can be seen from outside comes after it.
struct Journal {
  Bytes record;  // may hold the attempt's seed: the shell seals it
};
struct Send {
  Envelope envelope;  // to the coordinator, which is only the postman
};
struct SetTimer {
  std::uint64_t timer = 0;
  Duration after{0};
};
struct FetchModel {
  Digest digest{};
};
// Train (or count) in the worker; the words are encoded with these blocks withheld only when masking (RunTask may start
// before it is known who is live).
struct RunTask {
  RoundId round;
  Task task;
  Manifest manifest;
  Digest before{};
};
struct CancelTask {
  RoundId round;
};
// y_i = x_i + masks, with the withheld blocks of x_i as zeros (front words too), written whole to upload/; MaskedReady.
// Also checks x_i's journalled digest.
struct MaskContribution {
  RoundId round;
  Manifest manifest;
  Digest words_digest{};
  std::vector<bool> withheld;  // by block
  std::vector<MaskTerm> masks;
};
// The bytes go out in chunks, resumed where they stopped; UploadDone. The Audit effect of what leaves came before it.
struct Upload {
  RoundId round;
  Digest digest{};
  std::uint64_t length = 0;
};
struct DropUpload {
  RoundId round;  // x_i and y_i of this round are no longer needed
};
// All journalled records before now are superseded by this one, in one transaction (secrets of finished attempts are
// wiped with them).
struct CompactJournal {
  Bytes record;
};
struct Audit {
  std::string action;
  RoundId round;
  Digest detail{};
};
struct Observe {
  enum class Kind {
    kPhase,
    kDeclined,
    kTaskStarted,
    kTaskDone,
    kSent,
    kReleased,
    kCommitted,
    kRoundFailed,
    kRefused,
    kViolation,
    kPlan,
    kRoster
  };
  Kind kind;
  RoundId round;
  Phase phase = Phase::kHello;
  std::string detail;
};

using Effect = std::variant<Journal, Send, SetTimer, FetchModel, RunTask, CancelTask, MaskContribution, Upload,
                            DropUpload, CompactJournal, Audit, Observe>;
using Effects = std::vector<Effect>;

}  // namespace fedtrial::site
