#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "coordinator/core/round.h"
#include "coordinator/core/rules.h"

// How a round goes from phase to phase.
namespace fedtrial::coordinator {

void Round::Enter(Phase phase, Draft& draft) {
  phase_ = phase;
  deadline_ = false;
  for (const auto& [site, numbers] : accepted_) {
    if (!numbers.empty()) last_seen_[site] = numbers.rbegin()->first;
  }
  draft.Tell(Observe::Kind::kPhaseOpened, terms_.id, phase, kCoordinatorId, "");
  if (phase >= Phase::kCommit) return;
  min_passed_ = Rule().min_open == Duration::zero();
  SetMinTimer(draft);
  SetMaxTimer(draft);
}

const PhaseRule& Round::Rule() const { return terms_.plan->rules.phases[static_cast<std::size_t>(phase_)]; }

bool Round::MinRuns() const {
  return !min_passed_ && phase_ < Phase::kAgree && (phase_ != Phase::kHello || hello_.answers() > 0);
}

void Round::SetMinTimer(Draft& draft) const {
  if (MinRuns()) draft.Add(SetTimer{MinTimer(terms_.timer_base, phase_), Rule().min_open});
}

void Round::SetMaxTimer(Draft& draft) const {
  draft.Add(SetTimer{MaxTimer(terms_.timer_base, phase_), Rule().max_open});
}

std::set<SiteId> Round::Staying() const {
  std::set<SiteId> staying;
  for (const SiteId site : Members()) {
    if (Heard(phase_, site) && !refused_.contains(site) && !hello_.declined().contains(site)) staying.insert(site);
  }
  return staying;
}

void Round::Advance(Draft& draft) {
  while (phase_ < Phase::kCommit) {
    PhaseState state;
    state.min_passed = min_passed_;
    state.deadline = deadline_ && !(phase_ == Phase::kHello && MinRuns());
    for (const SiteId site : Members()) {
      const bool out = refused_.contains(site) || terms_.barred.contains(site) || hello_.declined().contains(site);
      if (!Heard(phase_, site))
        state.awaited += out ? 0 : 1;
      else
        state.heard += out && phase_ != Phase::kMasked ? 0 : 1;  // what is in the sum stays in it
    }
    Verdict verdict = Verdict::kStay;
    if (phase_ < Phase::kAgree) {
      state.needed = terms_.needed;
      if (phase_ == Phase::kHello && terms_.quorum.sparse())  // each needs its neighbours
        state.needed = std::max<std::size_t>(state.needed, terms_.quorum.degree + 1);
      if (phase_ == Phase::kKeys && terms_.quorum.sparse()) state.needed = u0_.size();  // all must reveal
      verdict = Decide(state);
    } else {
      state.needed = terms_.quorum.threshold;
      if (phase_ == Phase::kUnmask && state.heard >= state.needed) {
        rebuilt_ = rebuilt_ || unmask_->Rebuild();
        for (const auto& [owner, sender] : unmask_->TakeWrong())
          draft.Tell(Observe::Kind::kViolation, terms_.id, phase_, sender,
                     fmt::format("the share of {} from {} is wrong: either may be at fault", ToString(owner),
                                 ToString(sender)));
        state.needed = rebuilt_ ? 0 : state.heard + 1;
      }
      verdict = DecideAtOnce(state);
    }
    if (verdict == Verdict::kStay) return;
    if (verdict == Verdict::kFail) {
      if (phase_ < Phase::kAgree) NoteAbsent({}, draft);
      if (unmask_) {
        for (const SiteId owner : unmask_->Hopeless()) suspects_[owner] = "no subset of its shares gives its secret";
      }
      Fail(fmt::format("{} ended with {} of the {} sites it needs", ToString(phase_), state.heard,
                       phase_ < Phase::kAgree ? state.needed : terms_.quorum.threshold),
           draft);
      return;
    }
    Leave(draft);
  }
}

void Round::Leave(Draft& draft) {
  switch (phase_) {
    case Phase::kHello:
      return OpenKeys(draft);
    case Phase::kKeys:
      return OpenShares(draft);
    case Phase::kShares:
      return OpenMasked(draft);
    case Phase::kMasked:
      return OpenAgree(draft);
    case Phase::kAgree:
      return OpenUnmask(draft);
    default:
      return OpenCommit(draft);
  }
}

// Those whose message of this phase is missing when it ends.
void Round::NoteAbsent(const std::set<SiteId>& staying, Draft& draft) {
  const auto kind = phase_ == Phase::kHello ? Observe::Kind::kSiteLate : Observe::Kind::kSiteLost;
  for (const SiteId site : Members()) {
    if (staying.contains(site) || Heard(phase_, site) || refused_.contains(site) || terms_.barred.contains(site))
      continue;
    absent_.emplace(site, phase_);
    draft.Tell(kind, terms_.id, phase_, site, "");
  }
}

void Round::OpenKeys(Draft& draft) {
  u0_ = Staying();
  NoteAbsent(u0_, draft);
  keys_ = std::make_unique<KeysPhase>(terms_, hello_);
  Enter(Phase::kKeys, draft);
  Broadcast(u0_, hello_.Envelopes(u0_), draft);
}

void Round::OpenShares(Draft& draft) {
  std::set<SiteId> u1 = Staying();
  NoteAbsent(u1, draft);
  auto graph = MakeGraph(terms_.quorum, terms_.ctx, keys_->Reveals(u1));
  if (!graph.ok()) return Fail(graph.error().message, draft);
  u1_ = std::move(u1);
  graph_ = std::move(graph).value();
  drawn_ = true;
  shares_ = std::make_unique<SharesPhase>(terms_, graph_);
  Enter(Phase::kShares, draft);
  Broadcast(u1_, keys_->Envelopes(u1_), draft);
}

void Round::OpenMasked(Draft& draft) {
  u2_ = Staying();
  NoteAbsent(u2_, draft);
  if (const SiteId lonely = shares_->Lonely(u2_); lonely != kBroadcastId)
    return Fail(fmt::format("too few neighbours of {} are live", ToString(lonely)), draft);
  masked_ = std::make_unique<MaskedPhase>(terms_, graph_, u2_);
  Enter(Phase::kMasked, draft);
  draft.Add(OpenSpool{terms_.id, terms_.manifest});
  PhaseOpenBody body;
  body.sites.assign(u2_.begin(), u2_.end());
  for (const SiteId site : u2_) {
    body.envelopes = shares_->EnvelopesTo(site, u2_);
    Say(phase_, site, body.Encode(), draft);
  }
}

// A block that some included site filled for too few others: its sites would refuse.
std::string Round::BrokenBlock() const {
  for (std::size_t block = 0; block < terms_.blocks.size(); ++block) {
    const std::size_t included = hello_.Declared(block, u3_);
    if (hello_.Declared(block, u2_) >= kMinContributors && included > 0 && included < kMinContributors)
      return terms_.blocks[block];
  }
  return "";
}

void Round::OpenAgree(Draft& draft) {
  for (const auto& [site, digest] : masked_->accepted()) u3_.insert(site);
  NoteAbsent(u3_, draft);
  if (const SiteId owner = masked_->Unopened(); owner != kBroadcastId) {
    suspects_[owner] = "too many sites could not open its ciphertexts";
    return Fail(fmt::format("too many sites could not open what {} sent", ToString(owner)), draft);
  }
  if (const std::string block = BrokenBlock(); !block.empty())
    return Fail(fmt::format("block {} is filled by fewer than {} included sites", block, kMinContributors), draft);
  if (asked_before_ && *asked_before_ != u3_) {
    lost_ = true;
    return Fail("the included set differs from the one whose shares were asked for: the round is lost", draft);
  }
  agree_ = std::make_unique<AgreePhase>(MakeAgreeBody(terms_.ctx, keys_->Bodies(u1_), u2_, u3_).Encode());
  Enter(Phase::kAgree, draft);
  Broadcast(u3_, {}, draft);
}

void Round::OpenUnmask(Draft& draft) {
  unmask_ = std::make_unique<UnmaskPhase>(terms_, *keys_, graph_, u2_, u3_);
  draft.Record("unmask", terms_.id, IncludedHash());
  Enter(Phase::kUnmask, draft);
  Broadcast(u3_, agree_->Envelopes(), draft);
}

void Round::OpenCommit(Draft& draft) {
  Enter(Phase::kCommit, draft);
  AddFinish(draft);
}

void Round::AddFinish(Draft& draft) const {
  auto removals = unmask_->Removals();
  if (!removals.ok()) {  // the secrets were checked: only our own fault
    draft.Tell(Observe::Kind::kViolation, terms_.id, phase_, kCoordinatorId, removals.error().message);
    return;
  }
  draft.Add(FinishStep{
      terms_.id, terms_.task, terms_.manifest, std::move(removals).value(), {u3_.begin(), u3_.end()}, terms_.model});
}

void Round::Lose(std::string reason, Draft& draft) {
  lost_ = true;
  Fail(std::move(reason), draft);
}

void Round::Fail(std::string reason, Draft& draft) {
  if (failed()) return;
  failure_ = std::move(reason);
  draft.changed = true;
  Say(Phase::kFailed, kBroadcastId, ToBytes(AsBytes(failure_)), draft);
  if (masked_) draft.Add(CloseSpool{terms_.id});
  draft.Tell(Observe::Kind::kRoundFailed, terms_.id, phase_, kCoordinatorId, failure_);
  if (lost_) draft.Tell(Observe::Kind::kRoundLost, terms_.id, phase_, kCoordinatorId, failure_);
  draft.Record("fail", terms_.id, terms_.ctx);
  phase_ = Phase::kFailed;
}

}  // namespace fedtrial::coordinator
