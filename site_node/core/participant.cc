#include "site_node/core/participant.h"

#include <fmt/format.h>

#include "security/crypto/sha256.h"
#include "security/pki/approval.h"
#include "security/pki/signed_bytes.h"
#include "site_node/core/journal.h"
#include "site_node/core/participant_state.h"

namespace fedtrial::site {
namespace {

constexpr std::uint8_t kInputRecord = 1;
constexpr std::uint8_t kSnapshotRecord = 2;
constexpr std::size_t kMaxBody = 16u << 20;  // bytes; the largest body forwards one message of each site

Bytes InputRecord(const Input& input, const std::optional<SecretBytes<32>>& seed) {
  ByteWriter writer;
  writer.U8(kInputRecord).U8(seed ? 1 : 0);
  if (seed) writer.Raw(seed->view());
  return writer.Raw(EncodeInput(input)).Take();
}

Bytes SnapshotRecord(const Bytes& memory) { return ByteWriter().U8(kSnapshotRecord).Raw(memory).Take(); }

}  // namespace

// --- the shell's side ------------------------------------------------------------------------------------------------

Participant::Participant(SiteIdentity identity, Random& random)
    : state_(std::make_unique<State>(std::move(identity), random)) {}
Participant::~Participant() = default;
Participant::Participant(Participant&&) noexcept = default;
Participant& Participant::operator=(Participant&&) noexcept = default;

Result<Effects> Participant::Handle(const Input& input, Time) {
  Draft draft;
  RETURN_IF_ERROR(state_->Apply(input, draft));
  return state_->InOrder(input, std::move(draft));
}

Status Participant::Replay(ByteView record) {
  ByteReader reader(record);
  const std::uint8_t kind = reader.U8();
  if (kind == kSnapshotRecord) {
    ASSIGN_OR_RETURN(state_->memory, Memory::Decode(reader.Raw(reader.left())));
    state_->running.reset();
    state_->task_running = false;
    return {};
  }
  if (kind != kInputRecord) return Error{ErrorCode::kIntegrity, "a journal record of an unknown kind"};
  if (reader.U8() != 0) state_->replayed_seed = reader.Array<32>();
  ASSIGN_OR_RETURN(const Input input, DecodeInput(reader.Raw(reader.left())));
  Draft draft;
  state_->replaying = true;
  const Status status = state_->Apply(input, draft);
  state_->replaying = false;
  if (state_->replayed_seed) Wipe(*state_->replayed_seed);
  state_->replayed_seed.reset();
  return status;
}

Effects Participant::Resume(Time) {
  State& state = *state_;
  Draft draft;
  state.task_running = false;
  if (state.running) {
    Running& running = *state.running;
    if (state.memory.plan) draft.Add(SetTimer{running.timer, OpenFor(*state.memory.plan)});
    if (running.attempt) {
      state.StartTask(draft);
      if (running.masked && running.attempt->AnswersTo(Phase::kMasked).empty())
        draft.Add(Upload{running.id, running.masked->first, running.masked->second});
      else if (!running.masked)
        state.Mask(draft);
    } else if (!running.decline) {
      draft.Add(FetchModel{running.body.model});
    }
  }
  const Digest latest = state.memory.model_digest();
  if (latest != Digest{} && (!state.memory.model || state.memory.model->first != latest) &&
      !(state.running && !state.running->attempt && !state.running->decline))
    draft.Add(FetchModel{latest});
  return std::move(draft.effects);
}

const std::optional<Plan>& Participant::plan() const { return state_->memory.plan; }
const std::optional<Roster>& Participant::roster() const {
  return state_->memory.next_roster ? state_->memory.next_roster : state_->memory.roster;
}
const std::optional<RevocationList>& Participant::revocations() const { return state_->memory.revocations; }
bool Participant::paused() const { return state_->memory.hospital.paused; }

Participant::Standing Participant::standing() const {
  const Memory& memory = state_->memory;
  Standing standing;
  standing.round = memory.highest.value_or(RoundId{});
  standing.in_round = state_->running && !state_->running->decline;
  if (state_->running && state_->running->attempt)
    standing.phase = static_cast<Phase>(static_cast<std::uint8_t>(state_->running->attempt->expected()) - 1);
  standing.last_reason = memory.last_reason;
  standing.model = memory.model_digest();
  standing.rounds_contributed = memory.rounds_contributed;
  return standing;
}

// --- inside ----------------------------------------------------------------------------------------------------------

Status Participant::State::Apply(const Input& input, Draft& draft) {
  return std::visit([&](const auto& one) { return On(one, draft); }, input);
}

Effects Participant::State::InOrder(const Input& input, Draft draft) {
  Effects ordered = std::move(draft.audits);
  if (draft.snapshot_before) ordered.emplace_back(CompactJournal{SnapshotRecord(*draft.snapshot_before)});
  if (draft.ended)
    ordered.emplace_back(CompactJournal{SnapshotRecord(memory.Encode())});
  else if (draft.changed)
    ordered.emplace_back(Journal{InputRecord(input, draft.seed)});
  for (Effect& effect : draft.effects) ordered.push_back(std::move(effect));
  return ordered;
}

SecretBytes<32> Participant::State::DrawSeed(Draft& draft) {
  SecretBytes<32> seed;
  if (replaying && replayed_seed)
    seed = SecretBytes<32>(std::span<const std::uint8_t, 32>(*replayed_seed));
  else
    random.Fill(seed.span());
  draft.seed = seed.Clone();
  return seed;
}

void Participant::State::EndAttempt(Draft& draft, const std::string& reason) {
  running.reset();  // its secrets are wiped
  if (!reason.empty()) memory.last_reason = reason;
  draft.changed = true;
  draft.ended = true;
}

Status Participant::State::On(const EnvelopeReceived& input, Draft& draft) {
  const Envelope& envelope = input.envelope;
  if (envelope.body.size() > kMaxBody)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("a message of {} bytes, at most {} are read", envelope.body.size(), kMaxBody)};
  if (envelope.phase == static_cast<std::uint8_t>(Phase::kHello)) return OnRoundOpen(envelope, draft);
  return OnPhase(envelope, draft);
}

Status Participant::State::On(const PlanApproved& input, Draft& draft) {
  ASSIGN_OR_RETURN(Plan plan, ParsePlan(AsText(input.plan), "plan.toml"));
  if (plan.trial_id != identity.trial_id)
    return Error{ErrorCode::kNotApproved,
                 fmt::format("the plan is of trial {}, this site is enrolled in {}", plan.trial_id, identity.trial_id)};
  if (!VerifyPlan(identity.consortium, plan.hash, input.plan_signature))
    return Error{ErrorCode::kIntegrity, "the plan isn't signed by the consortium"};
  ASSIGN_OR_RETURN(const Approval approval, Approval::Decode(input.approval));
  if (approval.plan_hash != plan.hash)
    return Error{ErrorCode::kNotApproved,
                 fmt::format("the approval is of plan {}, not of {}", ToHex(approval.plan_hash), ToHex(plan.hash))};
  RETURN_IF_ERROR(CheckApproval(identity.key.PublicKey(), approval));
  if (memory.plan && memory.plan->hash == plan.hash) return {};
  if (running) {
    if (running->attempt) draft.Add(CancelTask{running->id});
    EndAttempt(draft, "another plan was approved");
  }
  const Digest hash = plan.hash;
  memory.plan = std::move(plan);
  memory.plan_bytes = input.plan;
  draft.changed = true;
  draft.Record("approve", {}, hash);
  draft.Tell(Observe::Kind::kPlan, {}, Phase::kHello, fmt::format("{} approved plan {}", approval.name, ToHex(hash)));
  return {};
}

Status Participant::State::On(const PauseSite& input, Draft& draft) {
  if (memory.hospital.paused && memory.hospital.pause_reason == input.reason) return {};
  // What has left can't be called back: then this site still helps to finish the sum.
  if (running && !(running->attempt && !running->attempt->AnswersTo(Phase::kMasked).empty())) {
    if (running->attempt) draft.Add(CancelTask{running->id});
    task_running = false;
    EndAttempt(draft, fmt::format("paused: {}", input.reason));
  }
  memory.hospital.paused = true;
  memory.hospital.pause_reason = input.reason;
  draft.changed = true;
  draft.Record("pause", {}, Sha256(AsBytes(input.reason)));
  return {};
}

Status Participant::State::On(const ResumeSite&, Draft& draft) {
  if (!memory.hospital.paused) return {};
  memory.hospital.paused = false;
  memory.hospital.pause_reason.clear();
  draft.changed = true;
  draft.Record("resume", {}, {});
  return {};
}

Status Participant::State::On(const RevocationsChecked& input, Draft& draft) {
  if (memory.hospital.stale == input.stale) return {};
  memory.hospital.stale = input.stale;
  draft.changed = true;
  return {};
}

Status Participant::State::On(const RosterReceived& input, Draft& draft) {
  ASSIGN_OR_RETURN(const SignedRoster signed_roster, UnpackRoster(input.signed_roster));
  ASSIGN_OR_RETURN(Roster roster, OpenRoster(identity.consortium, signed_roster));
  if (roster.trial_id != identity.trial_id)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the roster is of trial {}, wanted {}", roster.trial_id, identity.trial_id)};
  const RosterEntry* me = roster.Find(identity.id);
  if (me == nullptr || me->row.signing_key != identity.key.PublicKey() || me->row.role != kRoleSite)
    return Error{ErrorCode::kNotEnrolled,
                 fmt::format("version {} of the roster doesn't have this site with its key", roster.version)};
  const auto& latest = memory.next_roster ? memory.next_roster : memory.roster;
  if (latest) {
    if (roster.version == latest->version && roster.Hash() == latest->Hash()) return {};
    RETURN_IF_ERROR(CheckNextRoster(*latest, roster));
  }
  const Digest hash = roster.Hash();
  draft.Record("roster", {}, hash);
  draft.Tell(Observe::Kind::kRoster, {}, Phase::kHello,
             fmt::format("roster version {} with {} rows, hash {}{}", roster.version, roster.entries.size(),
                         ToHex(hash), input.pinned_by_operator ? ", pinned by the operator" : ""));
  (memory.roster ? memory.next_roster : memory.roster) = std::move(roster);
  draft.changed = true;
  return {};
}

Status Participant::State::On(const RevocationsReceived& input, Draft& draft) {
  ASSIGN_OR_RETURN(const SignedRevocationList signed_list, UnpackRevocationList(input.signed_list));
  ASSIGN_OR_RETURN(RevocationList list, OpenRevocationList(identity.consortium, signed_list));
  if (list.trial_id != identity.trial_id)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the revocation list is of trial {}, wanted {}", list.trial_id, identity.trial_id)};
  if (memory.revocations) {
    if (list == *memory.revocations) return {};
    RETURN_IF_ERROR(CheckNextRevocationList(*memory.revocations, list));
  }
  memory.revocations = std::move(list);
  if (running && running->attempt) running->attempt->SetRevoked(memory.revoked());
  draft.changed = true;
  draft.Record("revocations", {}, Sha256(input.signed_list));
  return {};
}

Status Participant::State::On(const CohortRead& input, Draft& draft) {
  if (memory.hospital.cohort && memory.hospital.cohort->digest == input.summary.digest &&
      memory.hospital.cohort->patients_per_block == input.summary.patients_per_block &&
      memory.hospital.cohort->patients == input.summary.patients)
    return {};
  memory.hospital.cohort = input.summary;
  draft.changed = true;
  return {};
}

Status Participant::State::On(const DeadlinePassed& input, Draft& draft) {
  if (!running || running->timer != input.timer) return {};
  draft.Tell(Observe::Kind::kRoundFailed, running->id, Phase::kFailed, "nothing more was heard of this attempt");
  EndAttempt(draft, "nothing more was heard of the round");
  return {};
}

}  // namespace fedtrial::site
