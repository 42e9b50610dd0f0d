#pragma once

#include <filesystem>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/runtime/sealed_file.h"
#include "model/params/fixed_point.h"
#include "site_node/core/effects.h"

namespace fedtrial::site {

// x_i: the round's words before masking, sealed. Returns the SHA-256 of the plain bytes, which the core journals: a
// later attempt masks exactly these again.
Result<Digest> SaveWords(const Sealer& sealer, const std::filesystem::path& file, const Words& words);

struct MaskedFile {
  Digest digest{};
  std::uint64_t length = 0;  // bytes
};
// y_i: x_i with the withheld blocks as zeros and the masks added, chunk by chunk (1 MiB in memory at a time), written
// whole to `masked`. kIntegrity if x_i isn't the one journalled.
Result<MaskedFile> MaskWords(const Sealer& sealer, const std::filesystem::path& words, const MaskContribution& effect,
                             const std::filesystem::path& masked, unsigned threads);

}  // namespace fedtrial::site
