#include "coordinator/core/trial.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "coordinator/core/journal.h"
#include "coordinator/core/trial_state.h"
#include "security/crypto/sha256.h"
#include "security/pki/signed_bytes.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::uint8_t kInputRecord = 1;
constexpr std::uint8_t kEndRecord = 2;

std::size_t SiteRows(const Roster& roster) {
  return static_cast<std::size_t>(std::count_if(roster.entries.begin(), roster.entries.end(),
                                                [](const RosterEntry& entry) { return entry.row.role == kRoleSite; }));
}

}  // namespace

std::string_view ToString(TrialState state) {
  switch (state) {
    case TrialState::kEnrolling:
      return "enrolling";
    case TrialState::kRunning:
      return "running";
    case TrialState::kPaused:
      return "paused";
    case TrialState::kClosed:
      return "closed";
    case TrialState::kFinished:
      return "finished";
  }
  return "";
}

// --- the shell's side ------------------------------------------------------------------------------------------------

Trial::Trial(TrialIdentity identity) : state_(std::make_unique<State>(std::move(identity))) {}
Trial::~Trial() = default;
Trial::Trial(Trial&&) noexcept = default;
Trial& Trial::operator=(Trial&&) noexcept = default;

Result<Effects> Trial::Handle(const Input& input, Time) {
  Draft draft;
  RETURN_IF_ERROR(state_->Apply(input, draft));
  return state_->InOrder(input, std::move(draft));
}

Status Trial::Replay(ByteView record) {
  ByteReader reader(record);
  const std::uint8_t kind = reader.U8();
  if (kind == kEndRecord) return state_->ReplayEnd(reader);
  if (kind != kInputRecord) return Error{ErrorCode::kIntegrity, "a journal record of an unknown kind"};
  ASSIGN_OR_RETURN(const Input input, DecodeInput(reader.Raw(reader.left())));
  Draft draft;
  RETURN_IF_ERROR(state_->Apply(input, draft));
  state_->compacted.reset();
  return {};
}

Effects Trial::Resume(Time) {
  State& state = *state_;
  Draft draft;
  if (state.round) state.round->Resume(draft);
  if (state.standing.retry_timer != 0) draft.Add(SetTimer{state.standing.retry_timer, state.RetryAfter()});
  return std::move(draft.effects);
}

std::vector<Envelope> Trial::CatchUp(SiteId site) const {
  if (state_->round) return state_->round->CatchUp(site);
  return state_->standing.last_words;
}

Result<std::uint64_t> Trial::WantsUpload(SiteId site, RoundId round) const {
  if (!state_->round || state_->round->terms().id != round)
    return Error{ErrorCode::kWrongPhase, fmt::format("{} isn't open", fedtrial::ToString(round))};
  return state_->round->WantsUpload(site);
}

TrialState Trial::state() const { return state_->standing.state; }
const std::optional<Roster>& Trial::roster() const { return state_->latest_roster(); }
StepPosition Trial::position() const { return state_->standing.position; }
const RoundRecord* Trial::current() const { return state_->current ? &*state_->current : nullptr; }
const std::vector<RoundRecord>& Trial::history() const { return state_->history; }
const std::vector<ModelLink>& Trial::links() const { return state_->links; }
Phase Trial::phase() const { return state_->round ? state_->round->phase() : Phase::kHello; }

// --- inside ----------------------------------------------------------------------------------------------------------

Status Trial::State::Apply(const Input& input, Draft& draft) {
  RETURN_IF_ERROR(std::visit([&](const auto& one) { return On(one, draft); }, input));
  if (draft.changed) {
    current.reset();
    if (round) current = Record(/*committed=*/false);
  }
  return {};
}

Effects Trial::State::InOrder(const Input& input, Draft draft) {
  Effects ordered = std::move(draft.audits);
  if (compacted)
    ordered.emplace_back(CompactJournal{ByteWriter().U8(kEndRecord).Raw(*compacted).Take()});
  else if (draft.changed)
    ordered.emplace_back(Journal{ByteWriter().U8(kInputRecord).Raw(EncodeInput(input)).Take()});
  compacted.reset();
  for (Effect& effect : draft.effects) ordered.push_back(std::move(effect));
  return ordered;
}

Status Trial::State::On(const EnvelopeReceived& input, Draft& draft) {
  if (!round)
    return Error{ErrorCode::kWrongPhase,
                 fmt::format("a message of {} while no round is open", fedtrial::ToString(input.envelope.sender))};
  RETURN_IF_ERROR(round->Handle(input.envelope, draft));
  Settle(draft);
  return {};
}

Status Trial::State::On(const UploadStored& input, Draft& draft) {
  if (!round)
    return Error{ErrorCode::kWrongPhase,
                 fmt::format("an upload of {} while no round is open", fedtrial::ToString(input.site))};
  RETURN_IF_ERROR(round->Handle(input, draft));
  Settle(draft);
  return {};
}

Status Trial::State::On(const DeadlinePassed& input, Draft& draft) {
  if (standing.retry_timer != 0 && input.timer == standing.retry_timer) {
    standing.retry_timer = 0;
    draft.changed = true;
    if (ShouldOpen()) OpenRound(draft);
  } else if (round) {
    round->Deadline(input.timer, draft);
  }
  Settle(draft);
  return {};
}

Status Trial::State::On(const PauseTrial& input, Draft& draft) {
  if (standing.state != TrialState::kRunning)
    return Error{ErrorCode::kWrongPhase, fmt::format("the trial is {}, only a running one can be paused",
                                                     coordinator::ToString(standing.state))};
  Pause(input.reason, draft);
  return {};
}

Status Trial::State::On(const ResumeTrial&, Draft& draft) {
  if (standing.state != TrialState::kPaused)
    return Error{ErrorCode::kWrongPhase, fmt::format("the trial is {}, only a paused one can be resumed",
                                                     coordinator::ToString(standing.state))};
  standing.left_out.clear();  // whoever resumes has looked into it
  standing.failures = 0;
  SetState(TrialState::kRunning, "", draft);
  if (ShouldOpen()) OpenRound(draft);
  Settle(draft);
  return {};
}

Status Trial::State::On(const CloseTrial& input, Draft& draft) {
  if (standing.state == TrialState::kClosed) return Error{ErrorCode::kWrongPhase, "the trial is closed already"};
  SetState(TrialState::kClosed, input.reason, draft);
  if (round) round->Fail(fmt::format("the trial was closed: {}", input.reason), draft);
  Settle(draft);
  return {};
}

Status Trial::State::On(const RosterPublished& input, Draft& draft) {
  ASSIGN_OR_RETURN(const SignedRoster signed_roster, UnpackRoster(input.signed_roster));
  ASSIGN_OR_RETURN(Roster published, OpenRoster(identity.consortium, signed_roster));
  const Plan& plan = identity.plan;
  if (published.trial_id != plan.trial_id)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("the roster is of trial {}, this is {}", published.trial_id, plan.trial_id)};
  const RosterEntry* me = published.Find(kCoordinatorId);
  if (me == nullptr || me->row.signing_key != identity.coordinator.PublicKey())
    return Error{ErrorCode::kInvalidInput, "the roster has another key for this coordinator"};
  const std::size_t sites = SiteRows(published);
  if (sites > plan.rules.sites)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("the roster has {} sites, the plan's caps are proven for {}", sites, plan.rules.sites)};
  if (const auto& latest = latest_roster()) {
    if (published.version == latest->version && published.Hash() == latest->Hash()) return {};
    RETURN_IF_ERROR(CheckNextRoster(*latest, published));
  }
  const bool enrolling = standing.state == TrialState::kEnrolling;
  const bool complete = sites >= std::max(plan.rules.min_sites, plan.rules.threshold);
  if (!enrolling && !complete)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("the roster has {} sites, wanted at least {}", sites, plan.rules.min_sites)};
  draft.changed = true;
  lists_changed = true;
  draft.Record("roster", {}, published.Hash());
  draft.Tell(Observe::Kind::kRosterChanged, {}, Phase::kHello, kCoordinatorId,
             fmt::format("version {} with {} sites", published.version, sites));
  (enrolling ? roster : next_roster) = std::move(published);
  if (enrolling && complete) {
    SetState(TrialState::kRunning, "", draft);
    OpenRound(draft);
    Settle(draft);
  }
  return {};
}

Status Trial::State::On(const SiteRevoked& input, Draft& draft) {
  ASSIGN_OR_RETURN(const SignedRevocationList signed_list, UnpackRevocationList(input.signed_list));
  ASSIGN_OR_RETURN(RevocationList list, OpenRevocationList(identity.consortium, signed_list));
  if (list.trial_id != identity.plan.trial_id)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("the revocation list is of trial {}, this is {}", list.trial_id, identity.plan.trial_id)};
  if (revocations) {
    if (list == *revocations) return {};
    RETURN_IF_ERROR(CheckNextRevocationList(*revocations, list));
  }
  revocations = std::move(list);
  draft.changed = true;
  lists_changed = true;
  draft.Record("revocations", {}, Sha256(input.signed_list));
  if (round) round->Revoke(revoked(), draft);
  Settle(draft);
  return {};
}

}  // namespace fedtrial::coordinator
