#include "site_node/shell/contribution_files.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <string>

namespace fedtrial::site {
namespace {

constexpr std::string_view kRole = "contribution";
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

struct Range {
  std::uint64_t first = 0, end = 0;  // words
};

// Front words and values of the withheld blocks.
std::vector<Range> WithheldRanges(const Manifest& manifest, const std::vector<bool>& withheld) {
  const std::vector<std::string> blocks = manifest.Blocks();
  std::map<std::string, bool, std::less<>> by_name;
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < blocks.size() && i < withheld.size(); ++i) {
    by_name[blocks[i]] = withheld[i];
    if (withheld[i]) ranges.push_back({2 * i, 2 * i + 2});
  }
  std::uint64_t word = 2 * blocks.size();
  for (const TensorSpec& tensor : manifest.tensors) {
    const auto found = by_name.find(tensor.block());
    if (found != by_name.end() && found->second) ranges.push_back({word, word + tensor.elements()});
    word += tensor.elements();
  }
  return ranges;
}

template <typename Word>
void MaskChunk(std::span<Word> words, std::uint64_t first, const std::vector<Range>& withheld,
               std::span<const MaskTerm> masks, unsigned threads) {
  for (const Range& range : withheld) {
    const std::uint64_t begin = std::max(range.first, first);
    const std::uint64_t end = std::min(range.end, first + words.size());
    for (std::uint64_t i = begin; i < end; ++i) words[static_cast<std::size_t>(i - first)] = 0;
  }
  AddMasks(words, first, masks, threads);
}

template <typename Word>
Result<MaskedFile> MaskTyped(SealedReader reader, const MaskContribution& effect, const std::filesystem::path& masked,
                             unsigned threads) {
  const std::vector<Range> withheld = WithheldRanges(effect.manifest, effect.withheld);
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(masked));
  std::vector<Word> chunk(kChunkBytes / sizeof(Word));
  Sha256Stream plain, sent;
  for (std::uint64_t offset = 0; offset < reader.size();) {
    const std::size_t bytes = static_cast<std::size_t>(std::min<std::uint64_t>(kChunkBytes, reader.size() - offset));
    const std::span<std::uint8_t> raw(reinterpret_cast<std::uint8_t*>(chunk.data()), bytes);
    RETURN_IF_ERROR(reader.ReadAt(offset, raw));
    plain.Update(raw);
    MaskChunk(std::span(chunk).first(bytes / sizeof(Word)), offset / sizeof(Word), withheld, effect.masks, threads);
    sent.Update(raw);
    RETURN_IF_ERROR(file.Write(raw));
    offset += bytes;
  }
  if (plain.Finish() != effect.words_digest)
    return Error{ErrorCode::kIntegrity, "the contribution on disk isn't the one that was journalled"};
  const MaskedFile result{sent.Finish(), reader.size()};
  RETURN_IF_ERROR(file.Commit());
  return result;
}

}  // namespace

Result<WordsFile> WordsFile::Start(const Sealer& sealer, const std::filesystem::path& file, const Manifest& manifest,
                                   std::vector<Contribution::Block> blocks) {
  ASSIGN_OR_RETURN(SealedWriter writer, sealer.StartFile(file, kRole));
  auto target = std::make_unique<Target>(Target{std::move(writer), {}});
  ASSIGN_OR_RETURN(WordStream words,
                   WordStream::Start(manifest, std::move(blocks), [into = target.get()](ByteView bytes) {
                     into->digest.Update(bytes);
                     return into->writer.Write(bytes);
                   }));
  return WordsFile(std::move(target), std::move(words));
}

Status WordsFile::Add(ByteView values) { return words_.Add(values); }

Result<WordsFile::Saved> WordsFile::Finish() {
  ASSIGN_OR_RETURN(const std::uint64_t clipped, words_.Finish());
  RETURN_IF_ERROR(target_->writer.Finish());
  return Saved{target_->digest.Finish(), clipped};
}

Result<MaskedFile> MaskWords(const Sealer& sealer, const std::filesystem::path& words, const MaskContribution& effect,
                             const std::filesystem::path& masked, unsigned threads) {
  ASSIGN_OR_RETURN(SealedReader reader, sealer.OpenFile(words, kRole));
  const std::uint64_t wanted = effect.manifest.Words() * (effect.manifest.encoding.word_bits / 8);
  if (reader.size() != wanted)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the contribution on disk has {} bytes, the round's has {}", reader.size(), wanted)};
  return effect.manifest.encoding.word_bits == 32
             ? MaskTyped<std::uint32_t>(std::move(reader), effect, masked, threads)
             : MaskTyped<std::uint64_t>(std::move(reader), effect, masked, threads);
}

}  // namespace fedtrial::site
