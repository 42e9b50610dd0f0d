#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "security/crypto/secret.h"
#include "security/crypto/x25519.h"

namespace fedtrial {

// One key stream to add to a vector of words, or to take away.
struct MaskTerm {
  SecretBytes<32> key;
  bool add = true;
};

// words[e] += or -= word first_word + e of every term's stream, modulo 2^32 or 2^64. Word e of a stream is its bytes
// e*sizeof(Word)... little-endian; e counts from the vector's first word. Split over `threads` (>= 1, the caller's
// among them) by range; the result doesn't depend on it.
template <typename Word>
void AddMasks(std::span<Word> words, std::uint64_t first_word, std::span<const MaskTerm> terms, unsigned threads);
extern template void AddMasks(std::span<std::uint32_t>, std::uint64_t, std::span<const MaskTerm>, unsigned);
extern template void AddMasks(std::span<std::uint64_t>, std::uint64_t, std::span<const MaskTerm>, unsigned);

// A site adds a pair's stream where it has the lower id and takes it away where it has the higher, so the two cancel.
inline bool AddsPairMask(SiteId site, SiteId other) { return site < other; }

// y_i - x_i: the self mask and one pair mask per neighbour in U2 (`neighbours` leaves out the site itself).
Result<std::vector<MaskTerm>> SiteMasks(const Digest& ctx, SiteId site, ByteView b, const X25519PrivateKey& s_key,
                                        const std::map<SiteId, X25519PublicKey>& neighbours);

// What takes the self mask of an included site out of the sum.
Result<MaskTerm> SelfMaskRemoval(const Digest& ctx, SiteId included, ByteView b);
// What takes out the half of a pair that an included site added for a site that dropped; `dropped_key` is rebuilt and
// checked against the advertised one.
Result<MaskTerm> PairMaskRemoval(const Digest& ctx, SiteId included, const X25519PublicKey& included_key,
                                 SiteId dropped, const X25519PrivateKey& dropped_key);

}  // namespace fedtrial
