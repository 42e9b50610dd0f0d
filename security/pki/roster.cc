#include "security/pki/roster.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "security/crypto/sha256.h"
#include "security/pki/enrolment.h"

namespace fedtrial {
namespace {

constexpr std::string_view kFileLabel = "fl/roster-file/v1";
constexpr std::size_t kSmallestRow = 4 + 32 + 32 + 1 + 4;  // bytes, of a row without a name

Error Bad(std::string message) { return {ErrorCode::kInvalidInput, std::move(message)}; }

Bytes SignedPart(const Digest& roster_hash, ByteView encoded) {
  return ByteWriter().Raw(roster_hash).Raw(Sha256(encoded)).Take();
}

template <typename Predicate>
const RosterEntry* FindIf(const std::vector<RosterEntry>& entries, Predicate wanted) {
  const auto found = std::find_if(entries.begin(), entries.end(), wanted);
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace

Status Roster::Check() const {
  if (trial_id.empty()) return Bad("the roster names no trial");
  if (version == 0) return Bad("the roster has version 0, they count from 1");
  if (entries.empty() || entries[0].row.id != kCoordinatorId) return Bad("the roster has no coordinator");
  std::set<VerifyKey> keys;
  std::set<Digest> spkis;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const RosterRow& row = entries[i].row;
    const std::string who = fedtrial::ToString(row.id);
    if (row.id == kBroadcastId) return Bad("4294967295 isn't a site's id");
    if (i > 0 && row.id <= entries[i - 1].row.id)
      return Bad(fmt::format("the roster's rows aren't in order at {}", who));
    if (row.role != (i == 0 ? kRoleCoordinator : kRoleSite)) return Bad(fmt::format("{} has role {}", who, row.role));
    if (const auto name = CheckSiteName(entries[i].name); !name.ok()) return name.error().In(who);
    if (!keys.insert(row.signing_key).second) return Bad(fmt::format("{} has the signing key of another row", who));
    if (!spkis.insert(row.spki).second) return Bad(fmt::format("{} has the TLS key of another row", who));
    if (!names.insert(entries[i].name).second) return Bad(fmt::format("{} has the name of another row", who));
  }
  return {};
}

Digest Roster::Hash() const { return RosterHash(trial_id, version, Rows()); }

Bytes Roster::Encode() const {
  ByteWriter writer;
  writer.Label(kFileLabel).Enc(trial_id).U32(version).U32(static_cast<std::uint32_t>(entries.size()));
  for (const auto& [row, name] : entries)
    writer.U32(row.id.value).Raw(row.signing_key).Raw(row.spki).U8(row.role).Enc(name);
  return writer.Take();
}

Result<Roster> Roster::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  if (AsText(reader.Raw(kFileLabel.size())) != kFileLabel) return Bad("this isn't a roster");
  Roster roster;
  roster.trial_id = reader.EncText();
  roster.version = reader.U32();
  const std::uint32_t rows = reader.U32();
  if (rows > reader.left() / kSmallestRow) return Bad("the roster is cut short");
  for (std::uint32_t i = 0; i < rows; ++i) {
    RosterEntry entry;
    entry.row.id = SiteId{reader.U32()};
    entry.row.signing_key = reader.Array<32>();
    entry.row.spki = reader.Array<32>();
    entry.row.role = reader.U8();
    entry.name = reader.EncText();
    roster.entries.push_back(std::move(entry));
  }
  RETURN_IF_ERROR(reader.Finish("the roster"));
  RETURN_IF_ERROR(roster.Check());
  return roster;
}

std::vector<RosterRow> Roster::Rows() const {
  std::vector<RosterRow> rows;
  for (const RosterEntry& entry : entries) rows.push_back(entry.row);
  return rows;
}

const RosterEntry* Roster::Find(SiteId id) const {
  return FindIf(entries, [&](const RosterEntry& entry) { return entry.row.id == id; });
}

const RosterEntry* Roster::FindBySpki(const Digest& spki) const {
  return FindIf(entries, [&](const RosterEntry& entry) { return entry.row.spki == spki; });
}

const RosterEntry* Roster::FindByName(std::string_view name) const {
  return FindIf(entries, [&](const RosterEntry& entry) { return entry.name == name; });
}

Result<SignedRoster> SignRoster(const SigningKey& consortium, const Roster& roster) {
  RETURN_IF_ERROR(roster.Check());
  SignedRoster out{roster.Encode(), {}};
  out.signature = SignLabelled(consortium, kRosterLabel, SignedPart(roster.Hash(), out.encoded));
  return out;
}

Result<Roster> OpenRoster(const VerifyKey& consortium, const SignedRoster& signed_roster) {
  ASSIGN_OR_RETURN(Roster roster, Roster::Decode(signed_roster.encoded));
  if (!VerifyLabelled(consortium, kRosterLabel, SignedPart(roster.Hash(), signed_roster.encoded),
                      signed_roster.signature))
    return Error{ErrorCode::kIntegrity, "the roster isn't signed by the consortium"};
  return roster;
}

Status CheckNextRoster(const Roster& current, const Roster& next) {
  if (next.trial_id != current.trial_id)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("a roster of trial {}, this is {}", next.trial_id, current.trial_id)};
  if (next.version <= current.version)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("roster version {}, version {} is known", next.version, current.version)};
  return {};
}

}  // namespace fedtrial
