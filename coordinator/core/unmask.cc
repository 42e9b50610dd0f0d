#include "coordinator/core/unmask.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

#include "security/masking/context.h"
#include "security/sharing/shamir.h"

namespace fedtrial::coordinator {
namespace {

constexpr unsigned kMaxTries = 1000;  // subsets of an owner's shares

// The next set of indices below `count` in lexicographic order; false after the last.
bool NextSubset(std::vector<std::size_t>& subset, std::size_t count) {
  const std::size_t size = subset.size();
  for (std::size_t i = size; i-- > 0;) {
    if (subset[i] == count - size + i) continue;
    ++subset[i];
    for (std::size_t j = i + 1; j < size; ++j) subset[j] = subset[j - 1] + 1;
    return true;
  }
  return false;
}

}  // namespace

UnmaskPhase::UnmaskPhase(const RoundTerms& terms, const KeysPhase& keys, const MaskGraph& graph,
                         const std::set<SiteId>& live, const std::set<SiteId>& included)
    : terms_(&terms), keys_(&keys), graph_(&graph), included_(&included) {
  for (const SiteId site : live) {
    const auto& neighbours = graph.NeighboursOf(site);
    const bool masked_with =
        std::any_of(neighbours.begin(), neighbours.end(), [&](SiteId other) { return included.contains(other); });
    if (included.contains(site) || masked_with) owners_[site].included = included.contains(site);
  }
}

Status UnmaskPhase::CheckItems(SiteId sender, const std::vector<UnmaskBody::Item>& items, bool included) const {
  std::set<SiteId> seen;
  for (const auto& item : items) {
    const auto owner = owners_.find(item.owner);
    const bool holds = item.owner == sender || graph_->NeighboursOf(item.owner).contains(sender);
    if (owner == owners_.end() || owner->second.included != included || !holds || !seen.insert(item.owner).second)
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("sent a share of {} that it wasn't asked for", ToString(item.owner))};
  }
  return {};
}

Status UnmaskPhase::Accept(const Envelope& envelope) {
  const SiteId sender = envelope.sender;
  if (envelope.receiver != kCoordinatorId)
    return Error{ErrorCode::kInvalidInput, "shares that aren't for the coordinator"};
  ASSIGN_OR_RETURN(const UnmaskBody body, UnmaskBody::Decode(envelope.body));
  RETURN_IF_ERROR(CheckItems(sender, body.self_seeds, true));
  RETURN_IF_ERROR(CheckItems(sender, body.mask_keys, false));
  for (const auto* items : {&body.self_seeds, &body.mask_keys}) {
    for (const auto& item : *items) {
      ASSIGN_OR_RETURN(const std::uint8_t x, graph_->SharePoint(item.owner, sender));
      owners_[item.owner].shares.push_back({sender, x, SecretBytes<32>(std::span<const std::uint8_t, 32>(item.share))});
    }
  }
  heard_.insert(sender);
  return {};
}

bool UnmaskPhase::Fits(SiteId id, const Owner& owner, ByteView secret) const {
  const KeysBody& advertised = keys_->keys().at(id);
  if (owner.included) return BCommit(terms_->ctx, id, secret) == advertised.b_commit;
  const auto key = X25519PrivateKey::FromBytes(secret);
  return key.ok() && key->PublicKey() == advertised.mask_key;
}

void UnmaskPhase::Search(SiteId id, Owner& owner) {
  const unsigned threshold = terms_->quorum.share_threshold;
  if (owner.shares.size() < threshold) return;
  std::vector<std::size_t> subset(threshold);
  std::iota(subset.begin(), subset.end(), std::size_t{0});
  bool first = true;
  do {
    if (owner.tries++ >= kMaxTries) return;
    std::vector<Share> shares;
    for (const std::size_t i : subset)
      shares.push_back({owner.shares[i].x, SecretBuffer::CopyOf(owner.shares[i].share.view())});
    const auto secret = CombineShares(shares, threshold);
    if (secret.ok() && Fits(id, owner, secret->view())) {
      owner.secret = SecretBytes<32>(secret->view().first<32>());
      owner.found = true;
      if (!first) Blame(id, owner, subset);
      return;
    }
    first = false;
  } while (NextSubset(subset, owner.shares.size()));
}

// A share lies on the polynomial if it gives the same secret in the place of a good one.
void UnmaskPhase::Blame(SiteId id, const Owner& owner, const std::vector<std::size_t>& good) {
  for (std::size_t other = 0; other < owner.shares.size(); ++other) {
    if (std::find(good.begin(), good.end(), other) != good.end()) continue;
    std::vector<Share> shares;
    for (const std::size_t i : good) {
      const Held& held = owner.shares[i == good.front() ? other : i];
      shares.push_back({held.x, SecretBuffer::CopyOf(held.share.view())});
    }
    const auto secret = CombineShares(shares, terms_->quorum.share_threshold);
    if (!secret.ok() || !ConstantTimeEqual(secret->view(), owner.secret.view()))
      wrong_.emplace_back(id, owner.shares[other].holder);
  }
}

bool UnmaskPhase::Rebuild() {
  if (heard_.size() < terms_->quorum.threshold) return false;
  bool all = true;
  for (auto& [id, owner] : owners_) {
    if (!owner.found) Search(id, owner);
    all = all && owner.found;
  }
  return all;
}

std::vector<SiteId> UnmaskPhase::Hopeless() const {
  std::vector<SiteId> hopeless;
  for (const auto& [id, owner] : owners_) {
    if (!owner.found && owner.shares.size() >= terms_->quorum.share_threshold) hopeless.push_back(id);
  }
  return hopeless;
}

Result<std::vector<MaskTerm>> UnmaskPhase::Removals() const {
  std::vector<MaskTerm> removals;
  for (const auto& [id, owner] : owners_) {
    if (owner.included) {
      ASSIGN_OR_RETURN(MaskTerm self, SelfMaskRemoval(terms_->ctx, id, owner.secret.view()));
      removals.push_back(std::move(self));
      continue;
    }
    ASSIGN_OR_RETURN(const X25519PrivateKey key, X25519PrivateKey::FromBytes(owner.secret.view()));
    for (const SiteId other : graph_->NeighboursOf(id)) {
      if (!included_->contains(other)) continue;
      ASSIGN_OR_RETURN(MaskTerm pair, PairMaskRemoval(terms_->ctx, other, keys_->keys().at(other).mask_key, id, key));
      removals.push_back(std::move(pair));
    }
  }
  return removals;
}

}  // namespace fedtrial::coordinator
