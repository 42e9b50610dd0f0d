#include "security/crypto/roster_hash.h"

#include <algorithm>
#include <vector>

#include "security/crypto/sha256.h"

namespace fedtrial {

Digest RosterHash(std::string_view trial_id, std::uint32_t version, std::span<const RosterRow> rows) {
  std::vector<RosterRow> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end(), [](const RosterRow& a, const RosterRow& b) { return a.id < b.id; });
  ByteWriter writer;
  writer.Label("fl/roster/v1").Enc(trial_id).U32(version).U32(static_cast<std::uint32_t>(sorted.size()));
  for (const RosterRow& row : sorted) writer.U32(row.id.value).Raw(row.signing_key).Raw(row.spki).U8(row.role);
  return Sha256(writer.bytes());
}

}  // namespace fedtrial
