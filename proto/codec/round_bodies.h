#pragma once

#include <array>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"

namespace fedtrial {

// Bodies of the signed envelopes of a round (SECURITY.md section 2; byte for byte in proto/PROTOCOL.md). They are
// encoded with ByteWriter, not protobuf: a body is hashed and signed as received and never re-encoded. Decoders take
// anything, check counts against the bytes that are there before allocating, and return kInvalidInput; sets of sites
// and the owners of shares are strictly rising, a flag is 0 or 1, so a body has one encoding. `Envelope` bytes inside a
// body are those of EncodeEnvelope (security/masking/envelope.h).

// One committed round: what the coordinator signs of a model ("fl/model/v1" over the bytes before the signature).
struct ModelLink {
  std::uint64_t round = 0;
  Digest model{}, before{}, included{};  // before: zeros for the first
  std::array<std::uint8_t, 64> signature{};
  Bytes SignedPart() const;  // without the label, which SignLabelled puts in front
  void Write(ByteWriter& writer) const;
  static ModelLink Read(ByteReader& reader);
  bool operator==(const ModelLink&) const = default;
};

// Coordinator, opening a round (phase kHello, broadcast). The site makes the manifest itself and compares its hash.
struct RoundOpenBody {
  RoundId round;
  std::uint32_t step = 0, round_in_step = 0;
  std::uint8_t evaluating = 0;
  Digest manifest_hash{}, plan_hash{}, roster_hash{}, model{};
  std::vector<ModelLink> links;  // the whole chain, oldest first; the last one is `model`
  Bytes Encode() const;
  static Result<RoundOpenBody> Decode(ByteView bytes);
};

// Site, phase kHello, broadcast.
struct HelloBody {
  bool declines = false;
  std::string reason;  // of a decline
  Digest r_commit{};
  std::vector<bool> blocks;  // of the manifest, those this site will fill
  Digest software{};
  std::uint32_t protocol = 1;
  Bytes Encode() const;
  static Result<HelloBody> Decode(ByteView bytes);
};

// Coordinator, when a phase closes: the sorted set and the envelopes to verify. kKeys: U0 and all Hello; kShares: U1
// and all Keys; kMasked: U2 and the Shares addressed to the receiver (one message a site); kAgree: U3, no envelopes;
// kUnmask: U3 and the Agree envelopes.
struct PhaseOpenBody {
  std::vector<SiteId> sites;
  std::vector<Bytes> envelopes;
  Bytes Encode() const;
  static Result<PhaseOpenBody> Decode(ByteView bytes);
};

// Site, phase kKeys, broadcast: exactly 128 bytes.
struct KeysBody {
  std::array<std::uint8_t, 32> channel_key{}, mask_key{}, r{};
  Digest b_commit{};
  Bytes Encode() const;
  static Result<KeysBody> Decode(ByteView bytes);
};

// Site, phase kShares, one envelope a neighbour: the body is the sealed share itself.

// Site, phase kMasked, to the coordinator, after the upload.
struct MaskedBody {
  std::uint64_t length = 0;  // bytes of y_i
  Digest digest{};
  std::vector<SiteId> failed;  // whose ciphertext didn't open
  Bytes Encode() const;
  static Result<MaskedBody> Decode(ByteView bytes);
};

// Site, phase kAgree, broadcast: 96 bytes, see security/masking/context.h.

// Site, phase kUnmask, to the coordinator. Shares of b for the included, of s_sk for the dropped.
struct UnmaskBody {
  struct Item {
    SiteId owner;
    std::array<std::uint8_t, 32> share{};
  };
  std::vector<Item> self_seeds, mask_keys;
  Bytes Encode() const;
  static Result<UnmaskBody> Decode(ByteView bytes);
};

// Coordinator, kCommit (broadcast): the round's model is durable. kFailed: the reason as text.
struct CommitBody {
  ModelLink link;
  std::vector<SiteId> included;
  Bytes Encode() const;
  static Result<CommitBody> Decode(ByteView bytes);
};

}  // namespace fedtrial
