#include "common/runtime/audit_file.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/runtime/clock.h"

namespace fedtrial {
namespace {

constexpr char kEvents[] = "audit.jsonl";
constexpr char kHeads[] = "audit-heads.jsonl";
constexpr std::size_t kMaxLog = std::size_t{1} << 31;  // some 10 million events

struct Lines {
  std::vector<std::string> lines;  // without their newlines
  std::size_t unfinished = 0;      // bytes after the last newline
};

Result<Lines> ReadLines(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const Bytes bytes, ReadWholeFile(path, kMaxLog));
  Lines result;
  std::string_view rest = AsText(bytes);
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    result.lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  result.unfinished = rest.size();
  return result;
}

// A line of audit-heads.jsonl: a signed head, and from a witness its countersignature.
struct HeadLine {
  SignedHead head;
  std::optional<SiteId> witness;
  Signature countersignature{};
};

std::string WriteHeadLine(const HeadLine& line) {
  nlohmann::json json{{"seq", line.head.head.seq},
                      {"hash", ToHex(line.head.head.hash)},
                      {"time", line.head.time},
                      {"signature", ToHex(line.head.signature)}};
  if (line.witness) {
    json["witness"] = line.witness->value;
    json["countersignature"] = ToHex(line.countersignature);
  }
  return json.dump();
}

std::optional<Signature> SignatureFromHex(const std::string& hex) {
  const auto bytes = FromHex(hex);
  Signature signature{};
  if (!bytes.ok() || bytes->size() != signature.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), signature.begin());
  return signature;
}

std::optional<HeadLine> ReadHeadLine(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    HeadLine line;
    line.head.head.seq = json.at("seq").get<std::uint64_t>();
    line.head.time = json.at("time").get<std::string>();
    const auto hash = DigestFromHex(json.at("hash").get<std::string>());
    const auto signature = SignatureFromHex(json.at("signature").get<std::string>());
    if (!hash.ok() || !signature) return std::nullopt;
    line.head.head.hash = *hash;
    line.head.signature = *signature;
    if (!json.contains("witness")) return line;
    const auto countersignature = SignatureFromHex(json.at("countersignature").get<std::string>());
    if (!countersignature) return std::nullopt;
    line.witness = SiteId{json.at("witness").get<std::uint32_t>()};
    line.countersignature = *countersignature;
    return line;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

Result<std::vector<HeadLine>> ReadHeadLines(const std::vector<std::string>& lines, const std::filesystem::path& path) {
  std::vector<HeadLine> heads;
  for (const std::string& text : lines) {
    auto line = ReadHeadLine(text);
    if (!line)
      return Error{ErrorCode::kIntegrity,
                   fmt::format("{}: line {} is no signed head", path.string(), heads.size() + 1)};
    heads.push_back(std::move(*line));
  }
  return heads;
}

std::vector<AuditHead> Anchors(const std::vector<HeadLine>& heads) {
  std::vector<AuditHead> anchors;
  for (const HeadLine& line : heads)
    if (anchors.empty() || anchors.back() != line.head.head) anchors.push_back(line.head.head);
  return anchors;
}

Result<AuditHead> Verified(const std::vector<std::string>& lines, const std::vector<AuditHead>& anchors,
                           const std::filesystem::path& path) {
  auto head = VerifyChain(lines, anchors);
  if (!head.ok()) return head.error().In(path.string());
  return head;
}

// Opens for appending and takes an unfinished last line off; the lines before it.
Result<std::vector<std::string>> OpenLog(const std::filesystem::path& path, Fd& fd) {
  fd = Fd(open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.open()) return SystemError(errno, "open", path);
  ASSIGN_OR_RETURN(Lines read, ReadLines(path));
  if (read.unfinished > 0) {
    ASSIGN_OR_RETURN(const std::uint64_t size, FileSize(fd.get(), path));
    if (ftruncate(fd.get(), static_cast<off_t>(size - read.unfinished)) != 0 || fsync(fd.get()) != 0)
      return SystemError(errno, "repair", path);
  }
  return std::move(read.lines);
}

Error Unfinished(const std::filesystem::path& path, std::size_t line) {
  return {ErrorCode::kIntegrity,
          fmt::format("{}: line {} is cut short (if a crash did it, the next start of the daemon "
                      "takes it off)",
                      path.string(), line)};
}

// Checks the signatures that there are keys for.
Status CheckHeadLines(const std::vector<HeadLine>& heads, const AuditKeys& keys, const std::filesystem::path& path,
                      AuditReport& report) {
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const HeadLine& line = heads[i];
    if (keys.owner && !VerifyHead(*keys.owner, line.head))
      return Error{ErrorCode::kIntegrity,
                   fmt::format("{}: line {}: its signature does not hold", path.string(), i + 1)};
    if (keys.owner) report.signed_up_to = std::max(report.signed_up_to, line.head.head.seq);
    const auto witness = line.witness ? keys.witnesses.find(*line.witness) : keys.witnesses.end();
    if (witness == keys.witnesses.end()) continue;
    if (!VerifyCountersignature(witness->second, line.head, line.countersignature))
      return Error{ErrorCode::kIntegrity, fmt::format("{}: line {}: the countersignature of {} does not hold",
                                                      path.string(), i + 1, ToString(*line.witness))};
    report.countersigned_up_to = std::max(report.countersigned_up_to, line.head.head.seq);
  }
  return {};
}

}  // namespace

AuditFile::AuditFile(std::filesystem::path folder, std::string actor, std::string trial)
    : folder_(std::move(folder)), actor_(std::move(actor)), trial_(std::move(trial)) {}

Result<std::unique_ptr<AuditFile>> AuditFile::Open(const std::filesystem::path& folder, std::string actor,
                                                   std::string trial) {
  std::unique_ptr<AuditFile> audit(new AuditFile(folder, std::move(actor), std::move(trial)));
  RETURN_IF_ERROR(audit->Load());
  return audit;
}

Status AuditFile::Load() {
  ASSIGN_OR_RETURN(const auto events, OpenLog(folder_ / kEvents, events_));
  ASSIGN_OR_RETURN(const auto head_lines, OpenLog(folder_ / kHeads, heads_));
  RETURN_IF_ERROR(SyncFolder(folder_));
  ASSIGN_OR_RETURN(const auto heads, ReadHeadLines(head_lines, folder_ / kHeads));
  ASSIGN_OR_RETURN(const AuditHead head, Verified(events, Anchors(heads), folder_ / kEvents));
  chain_ = AuditChain(head);
  for (const HeadLine& line : heads)
    if (!last_signed_ || line.head.head.seq >= last_signed_->head.seq) last_signed_ = line.head;
  return {};
}

Status AuditFile::AppendLine(const std::filesystem::path& path, const Fd& fd, std::string_view line) {
  ASSIGN_OR_RETURN(const std::uint64_t before, FileSize(fd.get(), path));
  Status written = WriteAll(fd.get(), AsBytes(std::string(line) + '\n'), path);
  if (written.ok() && fsync(fd.get()) != 0) written = SystemError(errno, "sync", path);
  if (!written.ok() && ftruncate(fd.get(), static_cast<off_t>(before)) != 0)
    return SystemError(errno, "take an unfinished line off", path);
  return written;
}

Status AuditFile::Append(std::string_view action, std::uint64_t round, const Digest& detail_hash) {
  const std::scoped_lock lock(mutex_);
  AuditChain next = chain_;
  const std::string line = next.Append({Rfc3339Now(), actor_, std::string(action), trial_, round, detail_hash});
  RETURN_IF_ERROR(AppendLine(folder_ / kEvents, events_, line));
  chain_ = next;
  return {};
}

AuditHead AuditFile::head() const {
  const std::scoped_lock lock(mutex_);
  return chain_.head();
}

bool AuditFile::HeadDue() const {
  const std::scoped_lock lock(mutex_);
  return chain_.head().seq - (last_signed_ ? last_signed_->head.seq : 0) >= kEventsPerHead;
}

Result<SignedHead> AuditFile::Sign(const SigningKey& key) {
  const std::scoped_lock lock(mutex_);
  const SignedHead head = SignHead(key, chain_.head(), Rfc3339Now());
  RETURN_IF_ERROR(AppendLine(folder_ / kHeads, heads_, WriteHeadLine({head, std::nullopt, {}})));
  last_signed_ = head;
  return head;
}

Status AuditFile::Countersigned(const SignedHead& head, SiteId witness, const Signature& countersignature) {
  const std::scoped_lock lock(mutex_);
  return AppendLine(folder_ / kHeads, heads_, WriteHeadLine({head, witness, countersignature}));
}

std::optional<SignedHead> AuditFile::last_signed() const {
  const std::scoped_lock lock(mutex_);
  return last_signed_;
}

Result<AuditReport> VerifyAuditFile(const std::filesystem::path& folder, const AuditKeys& keys) {
  const std::filesystem::path events_path = folder / kEvents;
  const std::filesystem::path heads_path = folder / kHeads;
  ASSIGN_OR_RETURN(const Lines events, ReadLines(events_path));
  Lines head_lines;
  if (std::error_code error; std::filesystem::exists(heads_path, error)) {
    ASSIGN_OR_RETURN(head_lines, ReadLines(heads_path));
  }
  ASSIGN_OR_RETURN(const auto heads, ReadHeadLines(head_lines.lines, heads_path));
  AuditReport report;
  RETURN_IF_ERROR(CheckHeadLines(heads, keys, heads_path, report));
  std::vector<AuditHead> anchors = Anchors(heads);
  anchors.insert(anchors.end(), keys.anchors.begin(), keys.anchors.end());
  ASSIGN_OR_RETURN(report.head, Verified(events.lines, anchors, events_path));
  if (events.unfinished > 0) return Unfinished(events_path, events.lines.size() + 1);
  if (head_lines.unfinished > 0) return Unfinished(heads_path, head_lines.lines.size() + 1);
  return report;
}

}  // namespace fedtrial
