#include "coordinator/core/round.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "coordinator/core/rules.h"
#include "security/crypto/sha256.h"
#include "security/masking/context.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::size_t kMaxBody = 1u << 20;  // bytes; the largest body of a site holds one share of each other

std::uint8_t Number(Phase phase) { return static_cast<std::uint8_t>(phase); }

}  // namespace

Round::Round(RoundTerms terms, const std::set<SiteId>* asked) : terms_(std::move(terms)), hello_(terms_) {
  if (asked != nullptr) asked_before_ = *asked;
}

void Round::Open(const RoundOpenBody& body, Draft& draft) {
  draft.Record("open", terms_.id, terms_.ctx);
  Enter(Phase::kHello, draft);
  Say(Phase::kHello, kBroadcastId, body.Encode(), draft);
  closing_.push_back(sent_.front().envelope);
  Advance(draft);  // if everybody is barred
}

// --- a site's message ------------------------------------------------------------------------------------------------

const std::set<SiteId>& Round::Members() const {
  switch (phase_) {
    case Phase::kHello:
      return terms_.invited;
    case Phase::kKeys:
      return u0_;
    case Phase::kShares:
      return u1_;
    case Phase::kMasked:
      return u2_;
    default:
      return u3_;
  }
}

bool Round::Heard(Phase phase, SiteId site) const {
  switch (phase) {
    case Phase::kHello:
      return hello_.heard(site);
    case Phase::kKeys:
      return keys_ && keys_->heard(site);
    case Phase::kShares:
      return shares_ && shares_->heard(site);
    case Phase::kMasked:
      return masked_ && masked_->heard(site);
    case Phase::kAgree:
      return agree_ && agree_->heard(site);
    default:
      return unmask_ && unmask_->heard(site);
  }
}

Status Round::CheckSender(const Envelope& envelope) const {
  const SiteId site = envelope.sender;
  const RosterEntry* entry = terms_.roster.Find(site);
  if (entry == nullptr || entry->row.role != kRoleSite)
    return Error{ErrorCode::kNotEnrolled, fmt::format("{} is not in the roster", ToString(site))};
  if (entry->row.revoked) return Error{ErrorCode::kNotEnrolled, fmt::format("{} is revoked", ToString(site))};
  if (const auto barred = terms_.barred.find(site); barred != terms_.barred.end())
    return Error{ErrorCode::kNotEnrolled, fmt::format("{} is left out: {}", ToString(site), barred->second)};
  if (const auto refused = refused_.find(site); refused != refused_.end())
    return Error{ErrorCode::kNotEnrolled,
                 fmt::format("{} is refused in this attempt: {}", ToString(site), refused->second)};
  return {};
}

Status Round::Handle(const Envelope& envelope, Draft& draft) {
  const SiteId site = envelope.sender;
  if (envelope.body.size() > kMaxBody)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("a message of {} bytes, at most {} are read", envelope.body.size(), kMaxBody)};
  if (envelope.ctx != terms_.ctx)
    return Error{ErrorCode::kWrongPhase,
                 fmt::format("a message of {} for another attempt than {}", ToString(site), ToString(terms_.id))};
  RETURN_IF_ERROR(CheckSender(envelope));
  const Digest digest = Sha256(EncodeEnvelope(envelope));
  std::map<std::uint64_t, Digest>& numbers = accepted_[site];
  const auto used = numbers.find(envelope.sequence);
  if (used != numbers.end() && used->second == digest) return {};  // a resend after a cut: the same answer
  const VerifyKey& key = terms_.roster.Find(site)->row.signing_key;
  const bool late = phase_ > Phase::kAgree && phase_ <= Phase::kCommit && envelope.phase >= Number(Phase::kAgree) &&
                    envelope.phase < Number(phase_) && u3_.contains(site);
  if (late && VerifyEnvelope(envelope, key)) return {};  // there was enough without it
  if (envelope.phase != Number(phase_) || phase_ >= Phase::kCommit)
    return Error{ErrorCode::kWrongPhase, fmt::format("a message of {} for phase {}, open is {}", ToString(site),
                                                     envelope.phase, ToString(phase_))};
  if (!Members().contains(site))
    return Error{ErrorCode::kNotEnrolled,
                 fmt::format("{} is not in {} of {}", ToString(site), ToString(phase_), ToString(terms_.id))};
  if (used == numbers.end() && envelope.sequence <= last_seen_[site])
    return Error{ErrorCode::kIntegrity,
                 fmt::format("a message of {} with an old number, {}", ToString(site), envelope.sequence)};
  if (!VerifyEnvelope(envelope, key))
    return Error{ErrorCode::kIntegrity, fmt::format("a message of {} that it hasn't signed", ToString(site))};
  const Status accepted = used == numbers.end()
                              ? Dispatch(envelope)
                              : Error{ErrorCode::kIntegrity, "sent other bytes under a number it had used"};
  draft.changed = true;
  if (!accepted.ok()) {
    Refuse(site, accepted.error().message, draft);
  } else {
    numbers[envelope.sequence] = digest;
    if (phase_ == Phase::kHello && hello_.answers() == 1) SetMinTimer(draft);
    if (const auto declined = hello_.declined().find(site); declined != hello_.declined().end())
      draft.Tell(Observe::Kind::kSiteDeclined, terms_.id, phase_, site, declined->second);
    else if (Heard(phase_, site))
      draft.Tell(Observe::Kind::kSiteHeard, terms_.id, phase_, site, "");
    if (phase_ == Phase::kMasked && masked_->heard(site))
      draft.Add(AddToSum{terms_.id, site, masked_->accepted().at(site)});
  }
  Advance(draft);
  return {};
}

Status Round::Dispatch(const Envelope& envelope) {
  switch (phase_) {
    case Phase::kHello:
      if (hello_.heard(envelope.sender)) return Error{ErrorCode::kIntegrity, "said hello twice"};
      return hello_.Accept(envelope);
    case Phase::kKeys:
      if (keys_->heard(envelope.sender)) return Error{ErrorCode::kIntegrity, "offered keys twice"};
      return keys_->Accept(envelope);
    case Phase::kShares:
      return shares_->Accept(envelope);
    case Phase::kMasked:
      return masked_->Accept(envelope);
    case Phase::kAgree:
      if (agree_->heard(envelope.sender)) return Error{ErrorCode::kIntegrity, "signed twice"};
      return agree_->Accept(envelope);
    default:
      if (unmask_->heard(envelope.sender)) return Error{ErrorCode::kIntegrity, "sent shares twice"};
      return unmask_->Accept(envelope);
  }
}

void Round::Refuse(SiteId site, const std::string& reason, Draft& draft) {
  refused_[site] = reason;
  draft.changed = true;
  draft.Tell(Observe::Kind::kViolation, terms_.id, phase_, site, reason);
  draft.Tell(Observe::Kind::kSiteRefused, terms_.id, phase_, site, reason);
}

Status Round::Handle(const UploadStored& upload, Draft& draft) {
  if (upload.round != terms_.id || phase_ != Phase::kMasked || !u2_.contains(upload.site) ||
      refused_.contains(upload.site))
    return Error{ErrorCode::kWrongPhase, fmt::format("no upload of {} is wanted now", ToString(upload.site))};
  const bool before = masked_->heard(upload.site);
  RETURN_IF_ERROR(masked_->Stored(upload.site, upload.digest, upload.words));
  if (before) return {};
  draft.changed = true;
  if (masked_->heard(upload.site)) {
    draft.Tell(Observe::Kind::kSiteHeard, terms_.id, phase_, upload.site, "");
    draft.Add(AddToSum{terms_.id, upload.site, upload.digest});
    Advance(draft);
  }
  return {};
}

void Round::Deadline(std::uint64_t timer, Draft& draft) {
  if (timer == MinTimer(terms_.timer_base, phase_) && phase_ < Phase::kAgree)
    min_passed_ = true;
  else if (timer == MaxTimer(terms_.timer_base, phase_) && phase_ < Phase::kCommit)
    deadline_ = true;
  else
    return;  // of a phase that is over
  draft.changed = true;
  Advance(draft);
}

void Round::Revoke(const std::set<SiteId>& revoked, Draft& draft) {
  std::set<SiteId> now;
  for (RosterEntry& entry : terms_.roster.entries) {
    if (revoked.contains(entry.row.id) && !entry.row.revoked) now.insert(entry.row.id);
    entry.row.revoked = revoked.contains(entry.row.id);
  }
  for (const SiteId site : now) {
    if (!terms_.invited.contains(site)) continue;
    draft.changed = true;
    // The sum may be known already, and the sites sign no other set that is close to it: this round is the site's last.
    if (unmask_ != nullptr && u3_.contains(site)) continue;
    refused_[site] = "revoked";
    draft.Tell(Observe::Kind::kSiteRefused, terms_.id, phase_, site, "revoked");
    const bool contributed = phase_ == Phase::kMasked ? masked_->heard(site) : u3_.contains(site);
    if (!contributed || failed()) continue;
    Fail(fmt::format("{} was revoked after it had contributed", ToString(site)), draft);
  }
  if (!now.empty()) Advance(draft);
}

// --- what we say -----------------------------------------------------------------------------------------------------

void Round::Say(Phase phase, SiteId receiver, Bytes body, Draft& draft) {
  Envelope envelope =
      SignEnvelope(*terms_.key, terms_.ctx, Number(phase), kCoordinatorId, receiver, ++sequence_, std::move(body));
  draft.Add(Send{receiver, envelope});
  if (phase >= Phase::kCommit) closing_.push_back(envelope);
  sent_.push_back({phase, std::move(envelope)});
}

void Round::Broadcast(const std::set<SiteId>& sites, std::vector<Bytes> envelopes, Draft& draft) {
  PhaseOpenBody body;
  body.sites.assign(sites.begin(), sites.end());
  body.envelopes = std::move(envelopes);
  Say(phase_, kBroadcastId, body.Encode(), draft);
}

std::vector<Envelope> Round::CatchUp(SiteId site) const {
  if (!terms_.invited.contains(site) || terms_.barred.contains(site)) return {};
  if (refused_.contains(site) || hello_.declined().contains(site)) return {};
  if (phase_ < Phase::kCommit && !Members().contains(site)) return {};
  Phase from = Phase::kHello;  // the first opening that it hasn't answered
  while (from < Phase::kCommit && Heard(from, site)) from = static_cast<Phase>(Number(from) + 1);
  std::vector<Envelope> missed;
  for (const Sent& sent : sent_) {
    const SiteId receiver = sent.envelope.receiver;
    if (sent.phase >= from && (receiver == kBroadcastId || receiver == site)) missed.push_back(sent.envelope);
  }
  return missed;
}

Result<std::uint64_t> Round::WantsUpload(SiteId site) const {
  if (phase_ != Phase::kMasked)
    return Error{ErrorCode::kWrongPhase,
                 fmt::format("{} is in {}, uploads belong to Masked", ToString(terms_.id), ToString(phase_))};
  if (!u2_.contains(site) || refused_.contains(site))
    return Error{ErrorCode::kNotEnrolled, fmt::format("{} is not live in {}", ToString(site), ToString(terms_.id))};
  return terms_.UploadBytes();
}

void Round::Resume(Draft& draft) const {
  if (phase_ < Phase::kCommit) {
    SetMinTimer(draft);
    SetMaxTimer(draft);
  }
  if (phase_ >= Phase::kMasked && phase_ <= Phase::kCommit) {
    draft.Add(OpenSpool{terms_.id, terms_.manifest});
    for (const auto& [site, digest] : masked_->accepted()) draft.Add(AddToSum{terms_.id, site, digest});
  }
  if (phase_ == Phase::kCommit) AddFinish(draft);
}

// --- the record ------------------------------------------------------------------------------------------------------

Digest Round::IncludedHash() const { return SetHash(kIncludedSet, terms_.ctx, u3_); }

std::map<SiteId, SiteRecord> Round::Records(bool committed) const {
  std::map<SiteId, SiteRecord> records;
  for (const SiteId site : terms_.invited) {
    SiteRecord& record = records[site];
    const auto refused = refused_.find(site);
    const auto declined = hello_.declined().find(site);
    const auto barred = terms_.barred.find(site);
    if (committed && u3_.contains(site)) {
      record.outcome = SiteOutcome::kContributed;
    } else if (refused != refused_.end()) {
      record = {SiteOutcome::kRefused, refused->second};
    } else if (barred != terms_.barred.end()) {
      record = {SiteOutcome::kRefused, barred->second};
    } else if (declined != hello_.declined().end()) {
      record = {SiteOutcome::kRefused, declined->second};
    } else if (const auto absent = absent_.find(site); absent != absent_.end()) {
      record.outcome = absent->second == Phase::kHello ? SiteOutcome::kLate : SiteOutcome::kLost;
      record.reason = fmt::format("no {} message in time", ToString(absent->second));
    }
  }
  return records;
}

}  // namespace fedtrial::coordinator
