#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "common/base/result.h"
#include "model/params/fixed_point.h"
#include "security/masking/masks.h"

namespace fedtrial::coordinator {

// The one vector of words a round is summed into, whatever the number of sites: uploads are added from the spool's
// files, modulo 2^word_bits, so their order and the number of threads don't matter. One caller at a time; the work is
// split over `threads` by range.
class Accumulator {
 public:
  explicit Accumulator(unsigned threads) : threads_(threads) {}

  // All zeros. The memory of the last round is used again where the size is the same.
  void Reset(unsigned word_bits, std::uint64_t count);
  // Reads the file once, 1 MiB a thread at a time. After an error the sum is of no use until Reset.
  Status Add(const std::filesystem::path& file);
  void RemoveMasks(std::span<const MaskTerm> masks);
  const Words& words() const { return words_; }
  void Release() { words_ = Words(); }

 private:
  Status AddRange(int fd, const std::filesystem::path& file, std::uint64_t begin, std::uint64_t end);

  const unsigned threads_;
  Words words_;
};

}  // namespace fedtrial::coordinator
