#include <ctime>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "coordinator/shell/commands.h"
#include "coordinator/shell/consortium.h"
#include "coordinator/shell/control.h"
#include "security/crypto/system_random.h"
#include "security/pki/revocation.h"
#include "security/pki/signed_bytes.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

// What the consortium must know of a trial before it signs anything for it.
struct TrialNow {
  std::string trial_id;
  std::uint32_t roster_version = 0;
  std::optional<Roster> roster;
  std::optional<RevocationList> revocations;
};

Result<TrialNow> AskWhatIs(const std::filesystem::path& state, const Consortium& consortium) {
  ASSIGN_OR_RETURN(const std::string answer, AskTrial(state, "trial", "{}"));
  const json trial = json::parse(answer, nullptr, false);
  if (!trial.is_object()) return Error{ErrorCode::kInternal, "the trial's description can't be read"};
  if (trial.value("consortium", "") != ToHex(consortium.verify_key()))
    return Error{ErrorCode::kInvalidInput, fmt::format("the trial in {} is another consortium's", state.string())};
  TrialNow now;
  now.trial_id = trial.value("trial", "");
  now.roster_version = trial.value("roster_version", 0U);
  if (const std::string hex = trial.value("roster", ""); !hex.empty()) {
    ASSIGN_OR_RETURN(const Bytes packed, FromHex(hex));
    ASSIGN_OR_RETURN(const SignedRoster signed_roster, UnpackRoster(packed));
    ASSIGN_OR_RETURN(now.roster, OpenRoster(consortium.verify_key(), signed_roster));
  }
  if (const std::string hex = trial.value("revocations", ""); !hex.empty()) {
    ASSIGN_OR_RETURN(const Bytes packed, FromHex(hex));
    ASSIGN_OR_RETURN(const SignedRevocationList signed_list, UnpackRevocationList(packed));
    ASSIGN_OR_RETURN(now.revocations, OpenRevocationList(consortium.verify_key(), signed_list));
  }
  return now;
}

Status Tell(const std::filesystem::path& state, const std::string& command, const std::string& arguments) {
  const auto answer = AskTrial(state, command, arguments);
  if (!answer.ok()) return answer.error();
  return {};
}

}  // namespace

Status ConsortiumInit(const std::filesystem::path& folder, const std::string& name) {
  SystemRandom random;
  RETURN_IF_ERROR(Consortium::Create(folder, name, std::time(nullptr), random));
  fmt::print("{} holds the consortium's CA and signing key: keep it off the coordinator's machine, and a copy safe\n",
             folder.string());
  return {};
}

Status ConsortiumSign(const std::filesystem::path& folder, const std::filesystem::path& state,
                      const std::string& fingerprint) {
  SystemRandom random;
  ASSIGN_OR_RETURN(const Consortium consortium, Consortium::Open(folder));
  ASSIGN_OR_RETURN(const TrialNow now, AskWhatIs(state, consortium));
  ASSIGN_OR_RETURN(const std::string asked, AskTrial(state, "request", json{{"fingerprint", fingerprint}}.dump()));
  ASSIGN_OR_RETURN(const CertificateRequest request, CertificateRequest::FromJson(asked));
  if (request.trial_id != now.trial_id)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("the request is for trial {}, this is {}", request.trial_id, now.trial_id)};
  ASSIGN_OR_RETURN(const std::string certificate,
                   consortium.SignCertificate(request, fingerprint, std::time(nullptr), random));
  RETURN_IF_ERROR(Tell(state, "certificate", json{{"fingerprint", fingerprint}, {"pem", certificate}}.dump()));
  fmt::print("signed {} as {}\n", request.name, ToString(request.id));
  return {};
}

Status ConsortiumRoster(const std::filesystem::path& folder, const std::filesystem::path& state) {
  ASSIGN_OR_RETURN(const Consortium consortium, Consortium::Open(folder));
  ASSIGN_OR_RETURN(const TrialNow now, AskWhatIs(state, consortium));
  ASSIGN_OR_RETURN(const Roster next, consortium.MakeRoster(now.trial_id, now.roster_version + 1));
  if (now.roster && now.roster->entries == next.entries) {
    fmt::print("roster version {} is up to date\n", now.roster_version);
    return {};
  }
  ASSIGN_OR_RETURN(const SignedRoster signed_roster, SignRoster(consortium.key(), next));
  RETURN_IF_ERROR(Tell(state, "publish-roster", json{{"roster", ToHex(Pack(signed_roster))}}.dump()));
  fmt::print("roster version {} with {} sites, {}\n", next.version, next.entries.size() - 1, ToHex(next.Hash()));
  for (const RosterEntry& entry : next.entries) fmt::print("  {:>4}  {}\n", entry.row.id.value, entry.name);
  return {};
}

Status Revoke(const std::filesystem::path& folder, const std::filesystem::path& state, const std::string& site) {
  ASSIGN_OR_RETURN(const Consortium consortium, Consortium::Open(folder));
  ASSIGN_OR_RETURN(const TrialNow now, AskWhatIs(state, consortium));
  RevocationList list = now.revocations.value_or(RevocationList{now.trial_id, 0, 0, {}, {}});
  ++list.number;
  list.issued_at = std::time(nullptr);
  if (!site.empty()) {
    const RosterEntry* entry = now.roster ? now.roster->FindByName(site) : nullptr;
    if (entry == nullptr || entry->row.role != kRoleSite)
      return Error{ErrorCode::kInvalidInput, fmt::format("there is no site {} in the roster", site)};
    list.sites.insert(entry->row.id);
  }
  const SignedRevocationList signed_list = SignRevocationList(consortium.key(), list);
  RETURN_IF_ERROR(Tell(state, "publish-revocations", json{{"list", ToHex(Pack(signed_list))}}.dump()));
  fmt::print("revocation list {} with {} sites\n", list.number, list.sites.size());
  return {};
}

}  // namespace fedtrial::coordinator
