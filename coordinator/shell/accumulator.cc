#include "coordinator/shell/accumulator.h"

#include <algorithm>
#include <fmt/format.h>
#include <thread>
#include <vector>

#include "common/runtime/files.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;  // bytes; a multiple of both word sizes

template <typename Word>
void AddWords(std::span<Word> sum, std::span<const Word> more) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
}

}  // namespace

void Accumulator::Reset(unsigned word_bits, std::uint64_t count) {
  const std::size_t wanted = word_bits == 32 ? 0 : 1;
  if (words_.index() == wanted && SizeInWords(words_) == count) {
    std::visit([](auto& words) { std::fill(words.begin(), words.end(), 0); }, words_);
    return;
  }
  words_ = Words();  // the old ones go before the new ones come
  words_ = ZeroWords(word_bits, count);
}

Status Accumulator::Add(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const Fd fd, OpenForReading(file));
  ASSIGN_OR_RETURN(const std::uint64_t size, FileSize(fd.get(), file));
  const std::uint64_t wanted = WordBytes(words_).size();
  if (size != wanted)
    return Error{ErrorCode::kIntegrity, fmt::format("{} has {} bytes, wanted {}", file.string(), size, wanted)};
  const std::uint64_t chunks = (size + kChunk - 1) / kChunk;
  const std::uint64_t workers = std::clamp<std::uint64_t>(chunks, 1, threads_);
  const auto begin = [&](std::uint64_t worker) {
    return std::min<std::uint64_t>(size, chunks * worker / workers * kChunk);
  };
  std::vector<Status> results(workers);
  {
    std::vector<std::jthread> others;
    for (std::uint64_t i = 1; i < workers; ++i)
      others.emplace_back([&, i] { results[i] = AddRange(fd.get(), file, begin(i), begin(i + 1)); });
    results[0] = AddRange(fd.get(), file, begin(0), begin(1));
  }
  for (const Status& result : results) RETURN_IF_ERROR(result);
  return {};
}

// Byte positions, multiples of kChunk or the end.
Status Accumulator::AddRange(int fd, const std::filesystem::path& file, std::uint64_t begin, std::uint64_t end) {
  return std::visit(
      [&](auto& words) -> Status {
        using Word = typename std::decay_t<decltype(words)>::value_type;
        std::vector<Word> buffer(kChunk / sizeof(Word));
        for (std::uint64_t at = begin; at < end; at += kChunk) {
          const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, end - at)) / sizeof(Word);
          const std::span<Word> part = std::span(buffer).first(count);
          RETURN_IF_ERROR(ReadAllAt(fd, at, {reinterpret_cast<std::uint8_t*>(part.data()), part.size_bytes()}, file));
          AddWords<Word>(std::span(words).subspan(static_cast<std::size_t>(at / sizeof(Word)), count), part);
        }
        return {};
      },
      words_);
}

void Accumulator::RemoveMasks(std::span<const MaskTerm> masks) {
  std::visit([&](auto& words) { AddMasks(std::span(words), 0, masks, threads_); }, words_);
}

}  // namespace fedtrial::coordinator
