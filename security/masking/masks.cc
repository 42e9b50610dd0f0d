#include "security/masking/masks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <system_error>
#include <thread>

#include "security/crypto/aes_ctr.h"
#include "security/masking/mask_keys.h"

namespace fedtrial {
namespace {

static_assert(std::endian::native == std::endian::little, "mask words are little-endian in memory");

constexpr std::size_t kTileBytes = 16 * 1024;  // one tile of words and one of key stream stay in the first-level cache

// One thread's part: all masks over one tile, then the next tile, so that no mask ever lies in memory.
template <typename Word>
void AddToRange(std::span<Word> words, std::uint64_t first_word, std::span<const MaskTerm> terms) {
  std::vector<CtrStream> streams;
  streams.reserve(terms.size());
  for (const MaskTerm& term : terms) {
    streams.emplace_back(term.key.span());
    streams.back().SeekTo(first_word * sizeof(Word));
  }
  alignas(64) std::array<Word, kTileBytes / sizeof(Word)> mask;
  while (!words.empty()) {
    const std::size_t count = std::min(words.size(), mask.size());
    for (std::size_t t = 0; t < terms.size(); ++t) {
      streams[t].Fill({reinterpret_cast<std::uint8_t*>(mask.data()), count * sizeof(Word)});
      Word* const out = words.data();
      if (terms[t].add) {
        for (std::size_t i = 0; i < count; ++i) out[i] += mask[i];
      } else {
        for (std::size_t i = 0; i < count; ++i) out[i] -= mask[i];
      }
    }
    words = words.subspan(count);
  }
  Wipe({reinterpret_cast<std::uint8_t*>(mask.data()), kTileBytes});
}

}  // namespace

template <typename Word>
void AddMasks(std::span<Word> words, std::uint64_t first_word, std::span<const MaskTerm> terms, unsigned threads) {
  constexpr std::size_t kTileWords = kTileBytes / sizeof(Word);
  const std::size_t tiles = (words.size() + kTileWords - 1) / kTileWords;
  const std::size_t parts = std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(tiles, 1));
  std::vector<std::jthread> helpers;  // joined when it goes
  for (std::size_t part = parts; part-- > 0;) {
    const std::size_t begin = std::min(words.size(), tiles * part / parts * kTileWords);
    const std::size_t end = std::min(words.size(), tiles * (part + 1) / parts * kTileWords);
    const auto work = [=] { AddToRange(words.subspan(begin, end - begin), first_word + begin, terms); };
    if (part == 0) {
      work();
      break;
    }
    try {
      helpers.emplace_back(work);
    } catch (const std::system_error&) {  // no more threads to be had
      work();
    }
  }
}

template void AddMasks(std::span<std::uint32_t>, std::uint64_t, std::span<const MaskTerm>, unsigned);
template void AddMasks(std::span<std::uint64_t>, std::uint64_t, std::span<const MaskTerm>, unsigned);

Result<std::vector<MaskTerm>> SiteMasks(const Digest& ctx, SiteId site, ByteView b, const X25519PrivateKey& s_key,
                                        const std::map<SiteId, X25519PublicKey>& neighbours) {
  std::vector<MaskTerm> terms;
  terms.reserve(neighbours.size() + 1);
  ASSIGN_OR_RETURN(SecretBytes<32> self, DeriveSelfMaskKey(b, site, ctx));
  terms.push_back({std::move(self), true});
  for (const auto& [other, key] : neighbours) {
    ASSIGN_OR_RETURN(SecretBytes<32> pair, DerivePairMaskKey(s_key, site, key, other, ctx));
    terms.push_back({std::move(pair), AddsPairMask(site, other)});
  }
  return terms;
}

Result<MaskTerm> SelfMaskRemoval(const Digest& ctx, SiteId included, ByteView b) {
  ASSIGN_OR_RETURN(SecretBytes<32> key, DeriveSelfMaskKey(b, included, ctx));
  return MaskTerm{std::move(key), false};
}

Result<MaskTerm> PairMaskRemoval(const Digest& ctx, SiteId included, const X25519PublicKey& included_key,
                                 SiteId dropped, const X25519PrivateKey& dropped_key) {
  ASSIGN_OR_RETURN(SecretBytes<32> key, DerivePairMaskKey(dropped_key, dropped, included_key, included, ctx));
  return MaskTerm{std::move(key), !AddsPairMask(included, dropped)};
}

}  // namespace fedtrial
