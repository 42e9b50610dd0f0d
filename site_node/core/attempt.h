#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "proto/codec/round_bodies.h"
#include "proto/plan/plan.h"
#include "security/crypto/ed25519.h"
#include "security/crypto/x25519.h"
#include "security/masking/context.h"
#include "security/masking/envelope.h"
#include "security/masking/graph.h"
#include "security/masking/mask_keys.h"
#include "security/masking/masks.h"
#include "security/masking/quorum.h"
#include "security/pki/roster.h"
#include "site_node/core/release_policy.h"

namespace fedtrial::site {

// All that is secret in an attempt, from one seed: the same seed gives the same bytes after a restart. Stream order:
// r, b, channel key, mask key, seed of the sharing's coefficients.
struct AttemptSecrets {
  static AttemptSecrets FromSeed(ByteView seed);  // 32 bytes

  SecretBytes<32> r, b, sharing_seed;
  X25519PrivateKey channel, mask;
};

// One site's side of secure aggregation in one ctx (SECURITY.md section 2): verifies every forwarded message itself and
// makes this site's answers. Answers are kept: asked again, the same bytes. On an error nothing has changed.
class Attempt {
 public:
  struct Terms {
    SiteId me;
    Digest ctx{};
    Roster roster;  // of the round; `revoked` as known now
    Quorum quorum;
    std::uint32_t min_sites = 3;
    std::vector<bool> blocks;  // those this site fills
    Digest software{};
  };
  Attempt(const SigningKey& key, Terms terms, ByteView seed);

  const Digest& ctx() const { return terms_.ctx; }
  void SetRevoked(const std::set<SiteId>& revoked);

  // The phase whose opening is expected next; kCommit once the shares are out.
  Phase expected() const { return expected_; }
  // What was answered to the opening of a phase; kHello's is the Hello.
  const std::vector<Envelope>& AnswersTo(Phase phase) const;

  // U0 and the Hello envelopes -> Keys.
  Status OpenKeys(const PhaseOpenBody& body);
  // U1 and the Keys envelopes -> Shares, one a neighbour.
  Status OpenShares(const PhaseOpenBody& body);
  // U2 and the Shares to me. Ciphertexts that don't open go to failed().
  Status OpenMasked(const PhaseOpenBody& body);
  const std::vector<bool>& withheld() const { return withheld_; }
  Result<std::vector<MaskTerm>> Masks() const;
  // The upload is with the coordinator -> Masked. Once.
  void MaskedSent(std::uint64_t length, const Digest& digest);
  bool live_known() const { return expected_ > Phase::kMasked; }  // U2, so the masks
  // U3 -> Agree. One set a ctx, ever.
  Status OpenAgree(const PhaseOpenBody& body);
  const std::set<SiteId>& included() const { return u3_; }
  // The Agree envelopes -> Unmask: shares of b for U3, of s_sk for the rest of U2.
  Status OpenUnmask(const PhaseOpenBody& body);

 private:
  Envelope Sign(Phase phase, SiteId receiver, Bytes body);
  // The envelopes of one phase, one from each of `senders`, to `receiver`, each signed by its roster row.
  Result<std::map<SiteId, Envelope>> Verified(const PhaseOpenBody& body, Phase phase, SiteId receiver,
                                              const std::set<SiteId>& senders) const;
  Status CheckSet(const PhaseOpenBody& body, const std::set<SiteId>* within, std::size_t at_least,
                  std::string_view name) const;
  Status CheckMessage(const Envelope& envelope, Phase phase, SiteId receiver) const;
  Status CheckKeys(const std::map<SiteId, KeysBody>& keys) const;
  Result<std::vector<Envelope>> MakeShares(const std::set<SiteId>& u1, const std::map<SiteId, KeysBody>& keys,
                                           const MaskGraph& graph, HeldShare& own);
  Result<HeldShare> Open(SiteId owner, const Envelope& envelope) const;
  void Note(const std::map<SiteId, Envelope>& envelopes);

  const SigningKey* key_;
  Terms terms_;
  AttemptSecrets secrets_;
  std::uint64_t sequence_ = 0;                  // of my last message
  std::map<SiteId, std::uint64_t> last_heard_;  // of each other site's forwarded messages
  Phase expected_ = Phase::kKeys;
  std::map<Phase, std::vector<Envelope>> answers_;

  std::set<SiteId> u0_, u1_, u2_, u3_;  // empty until known
  Declared declared_;
  std::map<SiteId, Digest> r_commits_;
  std::map<SiteId, KeysBody> keys_;
  std::map<SiteId, Bytes> keys_bodies_;
  MaskGraph graph_;
  std::map<SiteId, HeldShare> held_;  // by owner, my own among them
  std::vector<SiteId> failed_;
  std::vector<bool> withheld_;
  std::optional<AgreeBody> agreed_;
};

}  // namespace fedtrial::site
