#include "site_node/core/attempt.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "security/crypto/seeded_random.h"
#include "security/sharing/shamir.h"

namespace fedtrial::site {
namespace {

Error Refuse(ErrorCode code, std::string why) { return Error{code, std::move(why)}; }

SecretBytes<32> Draw(Random& random) {
  SecretBytes<32> bytes;
  random.Fill(bytes.span());
  return bytes;
}

// A site's neighbourhood (itself included) within a set.
std::size_t Neighbourhood(const MaskGraph& graph, SiteId owner, const std::set<SiteId>& within) {
  const auto& neighbours = graph.NeighboursOf(owner);
  return static_cast<std::size_t>(
             std::count_if(neighbours.begin(), neighbours.end(), [&](SiteId site) { return within.contains(site); })) +
         (within.contains(owner) ? 1 : 0);
}

std::set<SiteId> ToSet(const std::vector<SiteId>& sites) { return {sites.begin(), sites.end()}; }

}  // namespace

AttemptSecrets AttemptSecrets::FromSeed(ByteView seed) {
  const SecretBytes<32> key(seed.first<32>());
  SeededRandom random(key.span());
  SecretBytes<32> r = Draw(random);
  SecretBytes<32> b = Draw(random);
  X25519PrivateKey channel = X25519PrivateKey::Generate(random);
  X25519PrivateKey mask = X25519PrivateKey::Generate(random);
  return {std::move(r), std::move(b), Draw(random), std::move(channel), std::move(mask)};
}

Attempt::Attempt(const SigningKey& key, Terms terms, ByteView seed)
    : key_(&key), terms_(std::move(terms)), secrets_(AttemptSecrets::FromSeed(seed)) {
  HelloBody hello;
  hello.r_commit = RCommit(terms_.ctx, terms_.me, secrets_.r.view());
  hello.blocks = terms_.blocks;
  hello.software = terms_.software;
  answers_[Phase::kHello].push_back(Sign(Phase::kHello, kBroadcastId, hello.Encode()));
}

void Attempt::SetRevoked(const std::set<SiteId>& revoked) {
  for (RosterEntry& entry : terms_.roster.entries) entry.row.revoked = revoked.contains(entry.row.id);
}

const std::vector<Envelope>& Attempt::AnswersTo(Phase phase) const {
  static const std::vector<Envelope> kNone;
  const auto found = answers_.find(phase);
  return found == answers_.end() ? kNone : found->second;
}

Envelope Attempt::Sign(Phase phase, SiteId receiver, Bytes body) {
  return SignEnvelope(*key_, terms_.ctx, static_cast<std::uint8_t>(phase), terms_.me, receiver, ++sequence_,
                      std::move(body));
}

Status Attempt::CheckMessage(const Envelope& envelope, Phase phase, SiteId receiver) const {
  const std::string from = fmt::format("the {} message of {}", ToString(phase), ToString(envelope.sender));
  if (envelope.ctx != terms_.ctx) return Refuse(ErrorCode::kIntegrity, from + " is of another attempt");
  const RosterEntry* entry = terms_.roster.Find(envelope.sender);
  if (entry == nullptr || entry->row.role != kRoleSite) return Refuse(ErrorCode::kNotEnrolled, from + ": unknown site");
  if (entry->row.revoked) return Refuse(ErrorCode::kNotEnrolled, from + ": the site is revoked");
  if (envelope.phase != static_cast<std::uint8_t>(phase))
    return Refuse(ErrorCode::kIntegrity, fmt::format("{} is of phase {}", from, envelope.phase));
  if (envelope.receiver != receiver)
    return Refuse(ErrorCode::kIntegrity, fmt::format("{} is for {}", from, ToString(envelope.receiver)));
  const auto heard = last_heard_.find(envelope.sender);
  if (envelope.sequence <= (heard == last_heard_.end() ? 0 : heard->second))
    return Refuse(ErrorCode::kIntegrity, fmt::format("{} has an old number, {}", from, envelope.sequence));
  if (!VerifyEnvelope(envelope, entry->row.signing_key))
    return Refuse(ErrorCode::kIntegrity, from + " isn't signed by it");
  return {};
}

Status Attempt::CheckSet(const PhaseOpenBody& body, const std::set<SiteId>* within, std::size_t at_least,
                         std::string_view name) const {
  const auto& sites = body.sites;  // in rising order: its decoder sees to it
  if (!std::binary_search(sites.begin(), sites.end(), terms_.me))
    return Refuse(ErrorCode::kWrongPhase,
                  fmt::format("{} doesn't name this site: it is left out of the attempt", name));
  if (sites.size() < at_least)
    return Refuse(ErrorCode::kIntegrity,
                  fmt::format("{} has {} sites, wanted at least {}", name, sites.size(), at_least));
  for (const SiteId site : sites) {
    if (within != nullptr && !within->contains(site))
      return Refuse(ErrorCode::kIntegrity,
                    fmt::format("{} names {}, which isn't in the set before", name, ToString(site)));
  }
  return {};
}

Result<std::map<SiteId, Envelope>> Attempt::Verified(const PhaseOpenBody& body, Phase phase, SiteId receiver,
                                                     const std::set<SiteId>& senders) const {
  std::map<SiteId, Envelope> verified;
  if (body.envelopes.size() != senders.size())
    return Refuse(ErrorCode::kIntegrity, fmt::format("{} messages of {} were forwarded, wanted one of each of {} sites",
                                                     body.envelopes.size(), ToString(phase), senders.size()));
  for (const Bytes& encoded : body.envelopes) {
    ASSIGN_OR_RETURN(Envelope envelope, DecodeEnvelope(encoded));
    RETURN_IF_ERROR(CheckMessage(envelope, phase, receiver));
    const SiteId sender = envelope.sender;
    if (!senders.contains(sender))
      return Refuse(ErrorCode::kIntegrity,
                    fmt::format("a {} message of {}, which isn't in the set", ToString(phase), ToString(sender)));
    if (!verified.emplace(sender, std::move(envelope)).second)
      return Refuse(ErrorCode::kIntegrity, fmt::format("two {} messages of {}", ToString(phase), ToString(sender)));
  }
  return verified;
}

void Attempt::Note(const std::map<SiteId, Envelope>& envelopes) {
  for (const auto& [sender, envelope] : envelopes) last_heard_[sender] = envelope.sequence;
}

Status Attempt::OpenKeys(const PhaseOpenBody& body) {
  RETURN_IF_ERROR(CheckSet(body, nullptr, terms_.quorum.threshold, "U0"));
  std::set<SiteId> u0 = ToSet(body.sites);
  ASSIGN_OR_RETURN(const auto hellos, Verified(body, Phase::kHello, kBroadcastId, u0));
  if (hellos.at(terms_.me) != answers_.at(Phase::kHello).front())
    return Refuse(ErrorCode::kIntegrity, "U0 comes with a Hello of this site that it didn't send");
  Declared declared;
  std::map<SiteId, Digest> commits;
  for (const auto& [site, envelope] : hellos) {
    ASSIGN_OR_RETURN(HelloBody hello, HelloBody::Decode(envelope.body));
    if (hello.declines || hello.blocks.size() != terms_.blocks.size())
      return Refuse(ErrorCode::kIntegrity,
                    fmt::format("the Hello of {} declines or is of another manifest", ToString(site)));
    commits[site] = hello.r_commit;
    declared[site] = std::move(hello.blocks);
  }
  u0_ = std::move(u0);
  declared_ = std::move(declared);
  r_commits_ = std::move(commits);
  Note(hellos);
  KeysBody keys;
  keys.channel_key = secrets_.channel.PublicKey();
  keys.mask_key = secrets_.mask.PublicKey();
  std::copy_n(secrets_.r.view().begin(), keys.r.size(), keys.r.begin());
  keys.b_commit = BCommit(terms_.ctx, terms_.me, secrets_.b.view());
  answers_[Phase::kKeys].push_back(Sign(Phase::kKeys, kBroadcastId, keys.Encode()));
  expected_ = Phase::kShares;
  return {};
}

Status Attempt::CheckKeys(const std::map<SiteId, KeysBody>& keys) const {
  std::set<X25519PublicKey> seen;
  for (const auto& [site, body] : keys) {
    if (RCommit(terms_.ctx, site, body.r) != r_commits_.at(site))
      return Refuse(ErrorCode::kIntegrity, fmt::format("{} reveals another r than it committed to", ToString(site)));
    for (const X25519PublicKey& key : {body.channel_key, body.mask_key}) {
      if (IsLowOrder(key)) return Refuse(ErrorCode::kIntegrity, fmt::format("{} sent a low-order key", ToString(site)));
      if (!seen.insert(key).second)
        return Refuse(ErrorCode::kIntegrity, fmt::format("{} sent a key that comes twice", ToString(site)));
    }
  }
  return {};
}

Status Attempt::OpenShares(const PhaseOpenBody& body) {
  RETURN_IF_ERROR(CheckSet(body, &u0_, terms_.quorum.threshold, "U1"));
  std::set<SiteId> u1 = ToSet(body.sites);
  if (terms_.quorum.sparse() && u1 != u0_)
    return Refuse(ErrorCode::kIntegrity,
                  "not every site of U0 has revealed: the graph would be the coordinator's choice");
  ASSIGN_OR_RETURN(const auto envelopes, Verified(body, Phase::kKeys, kBroadcastId, u1));
  if (envelopes.at(terms_.me) != answers_.at(Phase::kKeys).front())
    return Refuse(ErrorCode::kIntegrity, "U1 comes with keys of this site that it didn't send");
  std::map<SiteId, KeysBody> keys;
  std::map<SiteId, Bytes> bodies;
  std::map<SiteId, Reveal> reveals;
  for (const auto& [site, envelope] : envelopes) {
    ASSIGN_OR_RETURN(const KeysBody decoded, KeysBody::Decode(envelope.body));
    keys[site] = decoded;
    bodies[site] = envelope.body;
    reveals[site] = decoded.r;
  }
  RETURN_IF_ERROR(CheckKeys(keys));
  ASSIGN_OR_RETURN(MaskGraph graph, MakeGraph(terms_.quorum, terms_.ctx, reveals));
  HeldShare own;
  const std::uint64_t before = sequence_;
  auto shares = MakeShares(u1, keys, graph, own);
  if (!shares.ok()) {
    sequence_ = before;
    return shares.error();
  }
  u1_ = std::move(u1);
  keys_ = std::move(keys);
  keys_bodies_ = std::move(bodies);
  graph_ = std::move(graph);
  held_[terms_.me] = std::move(own);
  Note(envelopes);
  answers_[Phase::kShares] = std::move(shares).value();
  expected_ = Phase::kMasked;
  return {};
}

Result<std::vector<Envelope>> Attempt::MakeShares(const std::set<SiteId>& u1, const std::map<SiteId, KeysBody>& keys,
                                                  const MaskGraph& graph, HeldShare& own) {
  const SiteId me = terms_.me;
  std::set<SiteId> holders = graph.NeighboursOf(me);
  holders.insert(me);
  std::vector<std::uint8_t> points;
  for (const SiteId holder : holders) {
    if (!u1.contains(holder)) return Refuse(ErrorCode::kInternal, "a neighbour outside U1");
    ASSIGN_OR_RETURN(const std::uint8_t x, graph.SharePoint(me, holder));
    points.push_back(x);
  }
  SeededRandom random(secrets_.sharing_seed.span());
  const unsigned threshold = terms_.quorum.share_threshold;
  ASSIGN_OR_RETURN(const std::vector<Share> of_b, SplitSecret(secrets_.b.view(), threshold, points, random));
  ASSIGN_OR_RETURN(const std::vector<Share> of_s, SplitSecret(secrets_.mask.bytes(), threshold, points, random));
  std::vector<Envelope> envelopes;
  std::size_t index = 0;
  for (const SiteId holder : holders) {
    const std::size_t i = index++;
    ASSIGN_OR_RETURN(SecretBytes<32> b, SecretBytes<32>::CopyOf(of_b[i].y.view()));
    ASSIGN_OR_RETURN(SecretBytes<32> s, SecretBytes<32>::CopyOf(of_s[i].y.view()));
    HeldShare share{points[i], std::move(b), std::move(s)};
    if (holder == me) {
      own = std::move(share);
      continue;
    }
    ASSIGN_OR_RETURN(const ShareChannel channel,
                     DeriveShareChannel(secrets_.channel, me, keys.at(holder).channel_key, holder, terms_.ctx));
    ASSIGN_OR_RETURN(Bytes sealed, SealShare(channel, me, holder, terms_.ctx, share));
    envelopes.push_back(Sign(Phase::kShares, holder, std::move(sealed)));
  }
  return envelopes;
}

Result<HeldShare> Attempt::Open(SiteId owner, const Envelope& envelope) const {
  ASSIGN_OR_RETURN(const ShareChannel channel,
                   DeriveShareChannel(secrets_.channel, terms_.me, keys_.at(owner).channel_key, owner, terms_.ctx));
  ASSIGN_OR_RETURN(HeldShare share, OpenShare(channel, owner, terms_.me, terms_.ctx, envelope.body));
  ASSIGN_OR_RETURN(const std::uint8_t x, graph_.SharePoint(owner, terms_.me));
  if (share.x != x)
    return Refuse(ErrorCode::kIntegrity, fmt::format("{} shares at point {}, wanted {}", ToString(owner), share.x, x));
  return share;
}

Status Attempt::OpenMasked(const PhaseOpenBody& body) {
  RETURN_IF_ERROR(CheckSet(body, &u1_, terms_.quorum.threshold, "U2"));
  std::set<SiteId> u2 = ToSet(body.sites);
  std::set<SiteId> senders;
  for (const SiteId site : graph_.NeighboursOf(terms_.me)) {
    if (u2.contains(site)) senders.insert(site);
  }
  const std::size_t near = Neighbourhood(graph_, terms_.me, u2);
  if (near < terms_.quorum.share_threshold)
    return Refuse(ErrorCode::kIntegrity, fmt::format("U2 has {} of this site's neighbourhood, wanted at least {}", near,
                                                     terms_.quorum.share_threshold));
  ASSIGN_OR_RETURN(const auto envelopes, Verified(body, Phase::kShares, terms_.me, senders));
  std::vector<SiteId> failed;
  for (const auto& [owner, envelope] : envelopes) {
    auto share = Open(owner, envelope);
    if (share.ok())
      held_.insert_or_assign(owner, std::move(share).value());
    else
      failed.push_back(owner);  // the sender's fault: a share not held, the round goes on
  }
  u2_ = std::move(u2);
  failed_ = std::move(failed);
  withheld_ = WithheldBlocks(terms_.me, declared_, u2_);
  Note(envelopes);
  expected_ = Phase::kAgree;
  return {};
}

Result<std::vector<MaskTerm>> Attempt::Masks() const {
  std::map<SiteId, X25519PublicKey> neighbours;
  for (const SiteId site : graph_.NeighboursOf(terms_.me)) {
    if (u2_.contains(site)) neighbours[site] = keys_.at(site).mask_key;
  }
  return SiteMasks(terms_.ctx, terms_.me, secrets_.b.view(), secrets_.mask, neighbours);
}

void Attempt::MaskedSent(std::uint64_t length, const Digest& digest) {
  if (!answers_[Phase::kMasked].empty()) return;
  MaskedBody body;
  body.length = length;
  body.digest = digest;
  body.failed = failed_;
  answers_[Phase::kMasked].push_back(Sign(Phase::kMasked, kCoordinatorId, body.Encode()));
}

Status Attempt::OpenAgree(const PhaseOpenBody& body) {
  if (AnswersTo(Phase::kMasked).empty())
    return Refuse(ErrorCode::kIntegrity, "an included set before this site has sent its masked contribution");
  const std::size_t at_least = std::max<std::size_t>({terms_.quorum.threshold, terms_.min_sites, 3});
  RETURN_IF_ERROR(CheckSet(body, &u2_, at_least, "the included set"));
  if (!body.envelopes.empty()) return Refuse(ErrorCode::kInvalidInput, "the included set comes with envelopes");
  std::set<SiteId> u3 = ToSet(body.sites);
  if (agreed_) {
    if (u3 == u3_) return {};
    return Refuse(ErrorCode::kIntegrity, "a second included set in one attempt: only one is ever signed");
  }
  for (const SiteId site : u3) {
    if (terms_.roster.Find(site)->row.revoked)
      return Refuse(ErrorCode::kNotEnrolled,
                    fmt::format("the included set names {}, which is revoked", ToString(site)));
  }
  RETURN_IF_ERROR(CheckBlockRule(terms_.me, declared_, withheld_, u3));
  agreed_ = MakeAgreeBody(terms_.ctx, keys_bodies_, u2_, u3);
  u3_ = std::move(u3);
  answers_[Phase::kAgree].push_back(Sign(Phase::kAgree, kBroadcastId, agreed_->Encode()));
  expected_ = Phase::kUnmask;
  return {};
}

Status Attempt::OpenUnmask(const PhaseOpenBody& body) {
  if (!AnswersTo(Phase::kUnmask).empty())
    return Refuse(ErrorCode::kIntegrity, "a second request for shares in one attempt");
  if (!agreed_) return Refuse(ErrorCode::kWrongPhase, "shares are asked for before this site has signed a set");
  if (ToSet(body.sites) != u3_ || body.sites.size() != u3_.size())
    return Refuse(ErrorCode::kIntegrity, "shares are asked for another set than the one signed");
  const Bytes wanted = agreed_->Encode();
  std::map<SiteId, Envelope> agrees;
  for (const Bytes& encoded : body.envelopes) {
    ASSIGN_OR_RETURN(Envelope envelope, DecodeEnvelope(encoded));
    RETURN_IF_ERROR(CheckMessage(envelope, Phase::kAgree, kBroadcastId));
    const SiteId sender = envelope.sender;
    if (!u3_.contains(sender))
      return Refuse(ErrorCode::kIntegrity, fmt::format("{} signed, but isn't included", ToString(sender)));
    if (envelope.body != wanted)
      return Refuse(ErrorCode::kIntegrity,
                    fmt::format("{} signed other keys, live sites or included sites than this site", ToString(sender)));
    if (!agrees.emplace(sender, std::move(envelope)).second)
      return Refuse(ErrorCode::kIntegrity, fmt::format("two signatures of {}", ToString(sender)));
  }
  if (agrees.size() < terms_.quorum.threshold)
    return Refuse(ErrorCode::kIntegrity, fmt::format("{} sites signed the included set, wanted at least {}",
                                                     agrees.size(), terms_.quorum.threshold));
  UnmaskBody shares;
  for (const auto& [owner, share] : held_) {
    const bool included = u3_.contains(owner);
    if (!included && !u2_.contains(owner)) continue;
    UnmaskBody::Item item{owner, {}};
    std::copy_n((included ? share.b : share.s_sk).view().begin(), item.share.size(), item.share.begin());
    (included ? shares.self_seeds : shares.mask_keys).push_back(item);
  }
  Note(agrees);
  answers_[Phase::kUnmask].push_back(Sign(Phase::kUnmask, kCoordinatorId, shares.Encode()));
  expected_ = Phase::kCommit;
  return {};
}

}  // namespace fedtrial::site
