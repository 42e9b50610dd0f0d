#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/runtime/sealed_file.h"
#include "model/params/word_stream.h"
#include "security/crypto/sha256.h"
#include "site_node/core/effects.h"

namespace fedtrial::site {

// x_i: the round's words before masking, sealed; made while the worker's values arrive, so that neither lies whole in
// memory. Nothing is left of it unless Finish succeeds.
class WordsFile {
 public:
  static Result<WordsFile> Start(const Sealer& sealer, const std::filesystem::path& file, const Manifest& manifest,
                                 std::vector<Contribution::Block> blocks);
  Status Add(ByteView values);  // as WordStream::Add

  struct Saved {
    Digest digest{};  // SHA-256 of the plain words, which the core journals: a later attempt masks these again
    std::uint64_t clipped = 0;  // values
  };
  Result<Saved> Finish();

 private:
  struct Target {
    SealedWriter writer;
    Sha256Stream digest;
  };
  WordsFile(std::unique_ptr<Target> target, WordStream words) : target_(std::move(target)), words_(std::move(words)) {}

  std::unique_ptr<Target> target_;  // stays where it is: the stream writes to it
  WordStream words_;
};

struct MaskedFile {
  Digest digest{};
  std::uint64_t length = 0;  // bytes
};
// y_i: x_i with the withheld blocks as zeros and the masks added, chunk by chunk (1 MiB in memory at a time), written
// whole to `masked`. kIntegrity if x_i isn't the one journalled.
Result<MaskedFile> MaskWords(const Sealer& sealer, const std::filesystem::path& words, const MaskContribution& effect,
                             const std::filesystem::path& masked, unsigned threads);

}  // namespace fedtrial::site
