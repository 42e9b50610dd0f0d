#include "security/audit/chain.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "security/crypto/sha256.h"

namespace fedtrial {
namespace {

constexpr std::uint64_t kMaxExactInteger = (std::uint64_t{1} << 53) - 1;  // what RFC 8785 can write
constexpr std::size_t kFields = 8;

// Canonical: keys sorted, no spaces, escapes as RFC 8785 has them. Bytes that aren't UTF-8 become U+FFFD.
std::string ToLine(const AuditLine& line) {
  const nlohmann::json json = {
      {"action", line.event.action}, {"actor", line.event.actor}, {"detail_hash", ToHex(line.event.detail_hash)},
      {"prev", ToHex(line.prev)},    {"round", line.event.round}, {"seq", line.seq},
      {"time", line.event.time},     {"trial", line.event.trial}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Error NotALine(std::string_view why) { return {ErrorCode::kIntegrity, std::string(why)}; }

// A field of the wanted kind, or a zero value: the comparison with the canonical form finds what was wrong.
std::string TextField(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::uint64_t NumberField(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

Error LineError(std::uint64_t line, std::string_view why) {
  return {ErrorCode::kIntegrity, fmt::format("line {}: {}", line, why)};
}

bool HasHash(std::span<const AuditHead> anchors, const AuditHead& head) {
  return std::find(anchors.begin(), anchors.end(), head) != anchors.end();
}

// Line `at` (from 0) doesn't follow `before`. Either its own link was changed or the line before it was: with the right
// link put back, a line that is otherwise whole leads on to what comes after it.
Error BrokenLink(std::span<const std::string> lines, std::size_t at, const AuditLine& line, const AuditHead& before,
                 std::span<const AuditHead> anchors) {
  AuditLine mended = line;
  mended.prev = before.hash;
  const AuditHead after{line.seq, AuditLineHash(before.hash, ToLine(mended))};
  bool leads_on = at == 0 || HasHash(anchors, after);
  if (at + 1 < lines.size()) {
    const auto next = ReadAuditLine(lines[at + 1]);
    leads_on = leads_on || (next.ok() && next->prev == after.hash);
  }
  if (leads_on) return LineError(at + 1, "was changed: its link to the line before is wrong");
  return LineError(at, fmt::format("was changed: line {} carries another hash of it", at + 1));
}

Status CheckAnchors(std::span<const AuditHead> anchors, std::span<const Digest> hashes) {
  std::vector<AuditHead> sorted(anchors.begin(), anchors.end());
  std::sort(sorted.begin(), sorted.end(), [](const AuditHead& a, const AuditHead& b) { return a.seq < b.seq; });
  for (const AuditHead& anchor : sorted) {
    if (anchor.seq >= hashes.size())
      return LineError(
          hashes.size(),
          fmt::format("is missing: the log ends before it, but its head at {} was countersigned", anchor.seq));
    if (hashes[anchor.seq] != anchor.hash)
      return LineError(anchor.seq, "isn't what was countersigned: the log was rewritten here or before");
  }
  return {};
}

Bytes HeadBytes(const SignedHead& head) {
  return ByteWriter().U64(head.head.seq).Raw(head.head.hash).Enc(head.time).Take();
}

Bytes CountersignedBytes(const SignedHead& head) {
  return ByteWriter().Raw(HeadBytes(head)).Raw(head.signature).Take();
}

}  // namespace

std::string AuditChain::Append(const AuditEvent& event) {
  const std::string line = ToLine({event, head_.seq + 1, head_.hash});
  head_ = {head_.seq + 1, AuditLineHash(head_.hash, line)};
  return line;
}

Digest AuditLineHash(const Digest& before, std::string_view line) {
  return Sha256(ByteWriter().Label("fl/audit/v1").Raw(before).Enc(line).bytes());
}

Result<AuditLine> ReadAuditLine(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return NotALine("isn't a JSON object");
  const auto detail = DigestFromHex(TextField(json, "detail_hash"));
  const auto prev = DigestFromHex(TextField(json, "prev"));
  if (!detail.ok() || !prev.ok()) return NotALine("detail_hash or prev isn't a SHA-256 in hex");
  const AuditLine line{{TextField(json, "time"), TextField(json, "actor"), TextField(json, "action"),
                        TextField(json, "trial"), NumberField(json, "round"), *detail},
                       NumberField(json, "seq"),
                       *prev};
  if (json.size() != kFields || ToLine(line) != text) return NotALine("isn't a canonical record of the eight fields");
  if (line.seq > kMaxExactInteger || line.event.round > kMaxExactInteger) return NotALine("a number is above 2^53-1");
  return line;
}

Result<AuditHead> VerifyChain(std::span<const std::string> lines, std::span<const AuditHead> anchors) {
  AuditHead head;
  std::vector<Digest> hashes = {head.hash};  // after each line
  hashes.reserve(lines.size() + 1);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto line = ReadAuditLine(lines[i]);
    if (!line.ok()) return LineError(i + 1, line.error().message);
    if (line->seq != head.seq + 1)
      return LineError(i + 1, fmt::format("has number {}, wanted {}: a record was removed, put in or moved", line->seq,
                                          head.seq + 1));
    if (line->prev != head.hash) return BrokenLink(lines, i, *line, head, anchors);
    head = {line->seq, AuditLineHash(head.hash, lines[i])};
    hashes.push_back(head.hash);
  }
  RETURN_IF_ERROR(CheckAnchors(anchors, hashes));
  return head;
}

SignedHead SignHead(const SigningKey& key, const AuditHead& head, std::string time) {
  SignedHead signed_head{head, std::move(time), {}};
  signed_head.signature = SignLabelled(key, kAuditHeadLabel, HeadBytes(signed_head));
  return signed_head;
}

bool VerifyHead(const VerifyKey& owner, const SignedHead& head) {
  return VerifyLabelled(owner, kAuditHeadLabel, HeadBytes(head), head.signature);
}

Signature CountersignHead(const SigningKey& witness, const SignedHead& head) {
  return SignLabelled(witness, kAuditHeadLabel, CountersignedBytes(head));
}

bool VerifyCountersignature(const VerifyKey& witness, const SignedHead& head, const Signature& countersignature) {
  return VerifyLabelled(witness, kAuditHeadLabel, CountersignedBytes(head), countersignature);
}

Status CheckNextHead(const AuditHead& last_seen, const AuditHead& next) {
  if (next.seq < last_seen.seq)
    return Error{ErrorCode::kIntegrity, fmt::format("an audit head of {} records, {} were seen before: the log was cut",
                                                    next.seq, last_seen.seq)};
  if (next.seq == last_seen.seq && next.hash != last_seen.hash)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("another audit head for record {}: the log was rewritten", next.seq)};
  return {};
}

Bytes PackHead(const SignedHead& head) {
  return ByteWriter().U64(head.head.seq).Raw(head.head.hash).Enc(head.time).Raw(head.signature).Take();
}

Bytes PackHead(const CountersignedHead& head) {
  return ByteWriter().Raw(PackHead(head.head)).Raw(head.countersignature).Take();
}

Result<SignedHead> UnpackHead(ByteView bytes) {
  ByteReader reader(bytes);
  SignedHead head;
  head.head.seq = reader.U64();
  head.head.hash = reader.Array<32>();
  head.time = reader.EncText();
  head.signature = reader.Array<64>();
  RETURN_IF_ERROR(reader.Finish("audit head"));
  return head;
}

Result<CountersignedHead> UnpackCountersignedHead(ByteView bytes) {
  CountersignedHead countersigned;
  const std::size_t size = countersigned.countersignature.size();
  if (bytes.size() <= size) return Error{ErrorCode::kInvalidInput, "a countersigned audit head is too short"};
  const ByteView tail = bytes.last(size);
  std::copy(tail.begin(), tail.end(), countersigned.countersignature.begin());
  ASSIGN_OR_RETURN(countersigned.head, UnpackHead(bytes.first(bytes.size() - size)));
  return countersigned;
}

}  // namespace fedtrial
