#include "coordinator/shell/enrolments.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fedtrial::coordinator {
namespace {

constexpr std::string_view kTable = "site";

}  // namespace

std::string EnrolledSite::ToJson() const {
  return nlohmann::json{{"id", id.value},
                        {"name", name},
                        {"token_hash", ToHex(token_hash)},
                        {"token_issued", token_issued},
                        {"token_used", token_used},
                        {"fingerprint", fingerprint},
                        {"csr", csr_pem},
                        {"signing_key", ToHex(signing_key)},
                        {"spki", ToHex(spki)},
                        {"certificate", certificate_pem},
                        {"approved_by", approved_by},
                        {"approved_at", approved_at}}
      .dump();
}

Result<EnrolledSite> EnrolledSite::FromJson(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    EnrolledSite site;
    site.id = SiteId{json.at("id").get<std::uint32_t>()};
    site.name = json.at("name").get<std::string>();
    ASSIGN_OR_RETURN(site.token_hash, DigestFromHex(json.at("token_hash").get<std::string>()));
    site.token_issued = json.at("token_issued").get<std::time_t>();
    site.token_used = json.at("token_used").get<bool>();
    site.fingerprint = json.at("fingerprint").get<std::string>();
    site.csr_pem = json.at("csr").get<std::string>();
    ASSIGN_OR_RETURN(site.signing_key, DigestFromHex(json.at("signing_key").get<std::string>()));
    ASSIGN_OR_RETURN(site.spki, DigestFromHex(json.at("spki").get<std::string>()));
    site.certificate_pem = json.at("certificate").get<std::string>();
    site.approved_by = json.at("approved_by").get<std::string>();
    site.approved_at = json.at("approved_at").get<std::string>();
    return site;
  } catch (const nlohmann::json::exception&) {
    return Error{ErrorCode::kIntegrity, "a site's record in trial.db can't be read"};
  }
}

Result<std::optional<EnrolledSite>> Enrolments::Get(std::string_view name) const {
  ASSIGN_OR_RETURN(const auto value, store_.Get(kTable, name));
  if (!value) return std::optional<EnrolledSite>();
  ASSIGN_OR_RETURN(EnrolledSite site, EnrolledSite::FromJson(AsText(*value)));
  return std::optional(std::move(site));
}

Status Enrolments::Put(const EnrolledSite& site) { return store_.Put(kTable, site.name, AsBytes(site.ToJson())); }

Result<std::vector<EnrolledSite>> Enrolments::List() const {
  ASSIGN_OR_RETURN(const auto entries, store_.List(kTable));
  std::vector<EnrolledSite> sites;
  for (const StoreEntry& entry : entries) {
    ASSIGN_OR_RETURN(EnrolledSite site, EnrolledSite::FromJson(AsText(entry.value)));
    sites.push_back(std::move(site));
  }
  std::sort(sites.begin(), sites.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return sites;
}

Result<EnrolToken> Enrolments::Invite(std::string_view name, std::time_t now, Random& random) {
  RETURN_IF_ERROR(CheckSiteName(name));
  ASSIGN_OR_RETURN(const auto known, Get(name));
  EnrolledSite site;
  if (known) {
    site = *known;
  } else {
    ASSIGN_OR_RETURN(const auto sites, List());
    site.id = SiteId{sites.empty() ? 1 : sites.back().id.value + 1};
    site.name = std::string(name);
  }
  EnrolToken token = EnrolToken::Generate(random);
  site.token_hash = TokenHash(name, token);
  site.token_issued = now;
  site.token_used = false;
  RETURN_IF_ERROR(Put(site));
  return token;
}

Result<EnrolledSite> Enrolments::Enrol(ByteView bytes, std::time_t now) {
  ASSIGN_OR_RETURN(const EnrolRequest request, EnrolRequest::Decode(bytes));
  RETURN_IF_ERROR(CheckSiteName(request.site_name));
  ASSIGN_OR_RETURN(const auto known, Get(request.site_name));
  // One answer for an unknown name and a wrong token: nobody learns here who is invited.
  if (!known || !TokenMatches(known->token_hash, request.site_name, request.token))
    return Error{ErrorCode::kNotEnrolled, fmt::format("the token isn't one for the site {}", request.site_name)};
  ASSIGN_OR_RETURN(const CsrInfo csr, CheckEnrolRequest(request));
  EnrolledSite site = *known;
  if (site.token_used) {
    if (site.spki == csr.spki && site.signing_key == request.signing_key) return site;
    return Error{ErrorCode::kNotEnrolled,
                 fmt::format("the token of {} has been used already: ask for a new one", site.name)};
  }
  if (now - site.token_issued > kTokenLifetime)
    return Error{ErrorCode::kNotEnrolled, fmt::format("the token of {} is older than {} hours: ask for a new one",
                                                      site.name, kTokenLifetime / 3600)};
  ASSIGN_OR_RETURN(const auto others, List());
  for (const EnrolledSite& other : others)
    if (other.id != site.id && (other.spki == csr.spki || other.signing_key == request.signing_key))
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("{} brings a key that {} has: every site makes its own", site.name, other.name)};
  site.token_used = true;
  site.csr_pem = request.csr_pem;
  site.signing_key = request.signing_key;
  site.spki = csr.spki;
  site.fingerprint = EnrolmentFingerprint(csr.spki, request.signing_key);
  site.certificate_pem.clear();
  site.approved_by.clear();
  site.approved_at.clear();
  RETURN_IF_ERROR(Put(site));
  return site;
}

Result<EnrolledSite> Enrolments::FindByFingerprint(std::string_view fingerprint) const {
  ASSIGN_OR_RETURN(auto sites, List());
  for (EnrolledSite& site : sites)
    if (!site.fingerprint.empty() && SameFingerprint(site.fingerprint, fingerprint)) return std::move(site);
  return Error{ErrorCode::kInvalidInput,
               fmt::format("no site has asked to be let in with the fingerprint {}", fingerprint)};
}

Result<std::optional<EnrolledSite>> Enrolments::Find(SiteId id) const {
  ASSIGN_OR_RETURN(auto sites, List());
  for (EnrolledSite& site : sites)
    if (site.id == id) return std::optional(std::move(site));
  return std::optional<EnrolledSite>();
}

CertificateRequest Enrolments::RequestOf(const EnrolledSite& site) const {
  return {trial_id_, site.id, site.name, site.csr_pem, site.signing_key, {}};
}

Status Enrolments::StoreCertificate(std::string_view fingerprint, std::string_view certificate_pem,
                                    std::string_view ca_pem, std::time_t now) {
  ASSIGN_OR_RETURN(EnrolledSite site, FindByFingerprint(fingerprint));
  ASSIGN_OR_RETURN(const CertificateInfo certificate, ReadCertificate(certificate_pem));
  if (certificate.spki != site.spki || certificate.common_name != site.name)
    return Error{ErrorCode::kInvalidInput, fmt::format("the certificate isn't for the key and name of {}", site.name)};
  RETURN_IF_ERROR(CheckCertificate(certificate_pem, ca_pem, CertificateUse::kClient, now));
  site.certificate_pem = std::string(certificate_pem);
  return Put(site);
}

Status Enrolments::Approved(SiteId id, std::string_view name, std::string_view time) {
  ASSIGN_OR_RETURN(auto site, Find(id));
  if (!site) return Error{ErrorCode::kNotEnrolled, fmt::format("{} is not enrolled", ToString(id))};
  site->approved_by = std::string(name);
  site->approved_at = std::string(time);
  return Put(*site);
}

}  // namespace fedtrial::coordinator
