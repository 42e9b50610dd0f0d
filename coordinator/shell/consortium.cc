#include "coordinator/shell/consortium.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

#include "common/runtime/files.h"
#include "security/crypto/sha256.h"
#include "security/pki/certificates.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::size_t kMaxRecord = std::size_t{64} << 20;

std::filesystem::path CaKey(const std::filesystem::path& folder) { return folder / "ca.key"; }
std::filesystem::path CaCertificate(const std::filesystem::path& folder) { return folder / "ca.crt"; }
std::filesystem::path SigningKeyFile(const std::filesystem::path& folder) { return folder / "signing.key"; }
std::filesystem::path SignedFile(const std::filesystem::path& folder) { return folder / "signed.jsonl"; }

// 63 random bits: no counter to lose, never the same twice.
std::uint64_t NewSerial(Random& random) {
  std::array<std::uint8_t, 8> bytes{};
  random.Fill(bytes);
  return std::max<std::uint64_t>(1, ByteReader(bytes).U64() >> 1);
}

bool IsAddress(const std::string& host) {
  in6_addr scratch{};
  return inet_pton(AF_INET, host.c_str(), &scratch) == 1 || inet_pton(AF_INET6, host.c_str(), &scratch) == 1;
}

std::string Normal(std::string_view fingerprint) {
  std::string digits;
  for (const char c : fingerprint)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      digits += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return digits;
}

// The whole file anew, so that a crash leaves no half line.
Status AppendLine(const std::filesystem::path& path, std::string_view line) {
  Bytes bytes;
  if (std::error_code error; std::filesystem::exists(path, error)) {
    ASSIGN_OR_RETURN(bytes, ReadWholeFile(path, kMaxRecord));
  }
  const ByteView more = AsBytes(line);
  bytes.insert(bytes.end(), more.begin(), more.end());
  bytes.push_back('\n');
  return WriteWholeFile(path, bytes);
}

}  // namespace

std::string CertificateRequest::ToJson() const {
  return nlohmann::json{
      {"trial", trial_id}, {"id", id.value}, {"name", name}, {"csr", csr_pem}, {"signing_key", ToHex(signing_key)},
      {"hosts", hosts}}
      .dump();
}

Result<CertificateRequest> CertificateRequest::FromJson(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    CertificateRequest request;
    request.trial_id = json.at("trial").get<std::string>();
    request.id = SiteId{json.at("id").get<std::uint32_t>()};
    request.name = json.at("name").get<std::string>();
    request.csr_pem = json.at("csr").get<std::string>();
    request.hosts = json.at("hosts").get<std::vector<std::string>>();
    ASSIGN_OR_RETURN(request.signing_key, DigestFromHex(json.at("signing_key").get<std::string>()));
    return request;
  } catch (const nlohmann::json::exception&) {
    return Error{ErrorCode::kInvalidInput, "a certificate request can't be read"};
  }
}

bool SameFingerprint(std::string_view a, std::string_view b) { return Normal(a) == Normal(b); }

Status Consortium::Create(const std::filesystem::path& folder, std::string_view name, std::time_t now, Random& random) {
  RETURN_IF_ERROR(EnsurePrivateFolder(folder));
  ASSIGN_OR_RETURN(const SecretBuffer ca_key, GenerateTlsKey());
  ASSIGN_OR_RETURN(const std::string ca, MakeCa(ca_key.view(), name, NewSerial(random), now, now + kCaLifetime));
  const SigningKey key = SigningKey::Generate(random);
  RETURN_IF_ERROR(WriteNewFile(CaKey(folder), ca_key.view()));
  RETURN_IF_ERROR(WriteNewFile(SigningKeyFile(folder), key.seed()));
  return WriteNewFile(CaCertificate(folder), AsBytes(ca));
}

Result<Consortium> Consortium::Open(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(SecretBuffer ca_key, ReadKeyFile(CaKey(folder)));
  ASSIGN_OR_RETURN(const Bytes ca, ReadWholeFile(CaCertificate(folder), 64 * 1024));
  ASSIGN_OR_RETURN(const SecretBuffer seed, ReadKeyFile(SigningKeyFile(folder)));
  auto key = SigningKey::FromSeed(seed.view());
  if (!key.ok()) return key.error().In(SigningKeyFile(folder).string());
  return Consortium(folder, std::string(AsText(ca)), std::move(ca_key), std::move(key).value());
}

Result<std::string> Consortium::SignCertificate(const CertificateRequest& request, std::string_view fingerprint,
                                                std::time_t now, Random& random) const {
  ASSIGN_OR_RETURN(const CsrInfo csr, ReadCsr(request.csr_pem));
  const std::string own = EnrolmentFingerprint(csr.spki, request.signing_key);
  if (!SameFingerprint(own, fingerprint))
    return Error{ErrorCode::kIntegrity, fmt::format("the keys of {} have another fingerprint than {}: don't sign them",
                                                    request.name, fingerprint)};
  ASSIGN_OR_RETURN(const std::vector<RosterEntry> known, Signed(request.trial_id));
  for (const RosterEntry& entry : known)
    if ((entry.row.id == request.id) != (entry.name == request.name))
      return Error{ErrorCode::kIntegrity,
                   fmt::format("{} is {} in this consortium's record, {} asks to be {}", ToString(entry.row.id),
                               entry.name, request.name, ToString(request.id))};
  const bool server = request.id == kCoordinatorId;
  CertificateSpec spec{.use = server ? CertificateUse::kServer : CertificateUse::kClient,
                       .common_name = request.name,
                       .serial = NewSerial(random),
                       .not_before = now - 300,  // for clocks that are a little behind
                       .not_after = now + kCertificateLifetime,
                       .dns_names = {},
                       .ip_addresses = {}};
  for (const std::string& host : request.hosts) (IsAddress(host) ? spec.ip_addresses : spec.dns_names).push_back(host);
  ASSIGN_OR_RETURN(std::string certificate, SignCsr(ca_key_.view(), ca_pem_, request.csr_pem, spec));
  RETURN_IF_ERROR(AppendLine(SignedFile(folder_), nlohmann::json{{"trial", request.trial_id},
                                                                 {"id", request.id.value},
                                                                 {"name", request.name},
                                                                 {"signing_key", ToHex(request.signing_key)},
                                                                 {"spki", ToHex(csr.spki)},
                                                                 {"fingerprint", own},
                                                                 {"serial", spec.serial},
                                                                 {"not_after", spec.not_after}}
                                                      .dump()));
  return certificate;
}

Result<std::vector<RosterEntry>> Consortium::Signed(std::string_view trial_id) const {
  const std::filesystem::path path = SignedFile(folder_);
  std::map<SiteId, RosterEntry> entries;  // the latest keys of each
  if (std::error_code error; !std::filesystem::exists(path, error)) return std::vector<RosterEntry>();
  ASSIGN_OR_RETURN(const Bytes bytes, ReadWholeFile(path, kMaxRecord));
  std::string_view rest = AsText(bytes);
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    try {
      const auto json = nlohmann::json::parse(text);
      if (json.at("trial").get<std::string>() != trial_id) continue;
      RosterEntry entry;
      entry.row.id = SiteId{json.at("id").get<std::uint32_t>()};
      entry.row.role = entry.row.id == kCoordinatorId ? kRoleCoordinator : kRoleSite;
      entry.name = json.at("name").get<std::string>();
      ASSIGN_OR_RETURN(entry.row.signing_key, DigestFromHex(json.at("signing_key").get<std::string>()));
      ASSIGN_OR_RETURN(entry.row.spki, DigestFromHex(json.at("spki").get<std::string>()));
      entries[entry.row.id] = entry;
    } catch (const nlohmann::json::exception&) {
      return Error{ErrorCode::kIntegrity, fmt::format("{}: line {} can't be read", path.string(), line)};
    }
  }
  std::vector<RosterEntry> list;
  for (auto& [id, entry] : entries) list.push_back(std::move(entry));
  return list;
}

Result<Roster> Consortium::MakeRoster(std::string_view trial_id, std::uint32_t version) const {
  Roster roster;
  roster.trial_id = std::string(trial_id);
  roster.version = version;
  ASSIGN_OR_RETURN(roster.entries, Signed(trial_id));
  RETURN_IF_ERROR(roster.Check());
  return roster;
}

}  // namespace fedtrial::coordinator
