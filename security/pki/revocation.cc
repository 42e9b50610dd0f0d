#include "security/pki/revocation.h"

#include <fmt/format.h>
#include <limits>

namespace fedtrial {
namespace {

constexpr std::string_view kFileLabel = "fl/revocation-file/v1";

// How many items of this many bytes are to come, or 0 if there can't be so many: nothing is made room for on a count's
// word. The bytes left over are then refused.
std::uint32_t ReadCount(ByteReader& reader, std::size_t item_size) {
  const std::uint32_t count = reader.U32();
  return count > reader.left() / item_size ? 0 : count;
}

}  // namespace

Bytes RevocationList::Encode() const {
  ByteWriter writer;
  writer.Label(kFileLabel).Enc(trial_id).U64(number).U64(static_cast<std::uint64_t>(issued_at));
  writer.U32(static_cast<std::uint32_t>(sites.size()));
  for (const SiteId site : sites) writer.U32(site.value);
  writer.U32(static_cast<std::uint32_t>(serials.size()));
  for (const std::uint64_t serial : serials) writer.U64(serial);
  return writer.Take();
}

Result<RevocationList> RevocationList::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  if (AsText(reader.Raw(kFileLabel.size())) != kFileLabel)
    return Error{ErrorCode::kInvalidInput, "this isn't a revocation list"};
  RevocationList list;
  list.trial_id = reader.EncText();
  list.number = reader.U64();
  const std::uint64_t issued_at = reader.U64();
  const std::uint32_t sites = ReadCount(reader, sizeof(std::uint32_t));
  for (std::uint32_t i = 0; i < sites; ++i) list.sites.insert(SiteId{reader.U32()});
  const std::uint32_t serials = ReadCount(reader, sizeof(std::uint64_t));
  for (std::uint32_t i = 0; i < serials; ++i) list.serials.insert(reader.U64());
  RETURN_IF_ERROR(reader.Finish("the revocation list"));
  if (issued_at > static_cast<std::uint64_t>(std::numeric_limits<std::time_t>::max()))
    return Error{ErrorCode::kInvalidInput, "the revocation list's time can't be"};
  list.issued_at = static_cast<std::time_t>(issued_at);
  if (list.Encode() != ToBytes(bytes))
    return Error{ErrorCode::kInvalidInput, "the revocation list isn't sorted, or its counts are wrong"};
  return list;
}

void RevocationList::ApplyTo(Roster& roster) const {
  for (RosterEntry& entry : roster.entries) entry.row.revoked = sites.contains(entry.row.id);
}

SignedRevocationList SignRevocationList(const SigningKey& consortium, const RevocationList& list) {
  Bytes encoded = list.Encode();
  const Signature signature = SignLabelled(consortium, kRevocationLabel, encoded);
  return {std::move(encoded), signature};
}

Result<RevocationList> OpenRevocationList(const VerifyKey& consortium, const SignedRevocationList& signed_list) {
  if (!VerifyLabelled(consortium, kRevocationLabel, signed_list.encoded, signed_list.signature))
    return Error{ErrorCode::kIntegrity, "the revocation list isn't signed by the consortium"};
  return RevocationList::Decode(signed_list.encoded);
}

Status CheckNextRevocationList(const RevocationList& current, const RevocationList& next) {
  if (next.trial_id != current.trial_id)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("a revocation list of trial {}, this is {}", next.trial_id, current.trial_id)};
  if (next.number < current.number || (next.number == current.number && next != current))
    return Error{ErrorCode::kIntegrity,
                 fmt::format("revocation list {}, number {} is known", next.number, current.number)};
  return {};
}

Status CheckFresh(const RevocationList& list, std::time_t now) {
  if (now - list.issued_at > kRevocationLifetime)
    return Error{ErrorCode::kUnavailable, fmt::format("revocation list {} is {} hours old, at most 24 are allowed",
                                                      list.number, (now - list.issued_at) / 3600)};
  return {};
}

}  // namespace fedtrial
