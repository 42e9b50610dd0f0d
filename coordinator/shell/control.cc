#include "coordinator/shell/control.h"

#include <ctime>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/runtime/clock.h"
#include "common/runtime/control_socket.h"
#include "common/runtime/enrolment_file.h"
#include "common/runtime/files.h"
#include "coordinator/shell/config.h"
#include "security/crypto/sha256.h"
#include "security/pki/certificates.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxPem = 64 * 1024;

Result<std::string> Text(const json& arguments, const char* key) {
  if (!arguments.contains(key) || !arguments.at(key).is_string())
    return Error{ErrorCode::kInvalidInput, fmt::format("the command lacks the text \"{}\"", key)};
  return arguments.at(key).get<std::string>();
}

Result<std::string> Describe(Node& node) {
  ASSIGN_OR_RETURN(const auto roster, node.SignedRosterNow());
  ASSIGN_OR_RETURN(const auto revocations, node.RevocationsNow());
  return json{{"trial", node.plan().trial_id},
              {"consortium", ToHex(node.record().consortium)},
              {"roster_version", node.trial().roster() ? node.trial().roster()->version : 0},
              {"roster", roster ? ToHex(*roster) : ""},
              {"revocations", revocations ? ToHex(*revocations) : ""}}
      .dump();
}

Result<std::string> MakeToken(const ControlContext& context, const json& arguments) {
  Node& node = context.node;
  ASSIGN_OR_RETURN(const std::string name, Text(arguments, "name"));
  ASSIGN_OR_RETURN(const Bytes ca, ReadWholeFile(node.paths().ca(), kMaxPem));
  ASSIGN_OR_RETURN(const EnrolToken token, node.enrolments().Invite(name, std::time(nullptr), node.random()));
  RETURN_IF_ERROR(node.audit().Append("invite", 0, Sha256(AsBytes(name))));
  return EnrolmentFile{node.plan().trial_id,     name,        context.address, std::string(AsText(ca)),
                       node.record().consortium, token.Text()}
      .ToJson();
}

Result<std::string> GiveRequest(Node& node, const json& arguments) {
  ASSIGN_OR_RETURN(const std::string fingerprint, Text(arguments, "fingerprint"));
  const TrialRecord& record = node.record();
  if (SameFingerprint(record.fingerprint, fingerprint))
    return CertificateRequest{
        record.trial_id, kCoordinatorId, record.hosts.front(), record.csr_pem, node.signing_key().PublicKey(),
        record.hosts}
        .ToJson();
  ASSIGN_OR_RETURN(const EnrolledSite site, node.enrolments().FindByFingerprint(fingerprint));
  return node.enrolments().RequestOf(site).ToJson();
}

Status TakeOwnCertificate(Node& node, const std::string& pem, const std::string& ca) {
  ASSIGN_OR_RETURN(const SecretBuffer key, ReadKeyFile(node.paths().tls_key()));
  ASSIGN_OR_RETURN(const Digest spki, SpkiOfKey(key.view()));
  ASSIGN_OR_RETURN(const CertificateInfo certificate, ReadCertificate(pem));
  if (certificate.spki != spki)
    return Error{ErrorCode::kInvalidInput, "the certificate isn't for this coordinator's TLS key"};
  RETURN_IF_ERROR(CheckCertificate(pem, ca, CertificateUse::kServer, std::time(nullptr)));
  return WriteWholeFile(node.paths().certificate(), AsBytes(pem));
}

Status TakeCertificate(const ControlContext& context, const json& arguments) {
  Node& node = context.node;
  ASSIGN_OR_RETURN(const std::string fingerprint, Text(arguments, "fingerprint"));
  ASSIGN_OR_RETURN(const std::string pem, Text(arguments, "pem"));
  ASSIGN_OR_RETURN(const Bytes ca_bytes, ReadWholeFile(node.paths().ca(), kMaxPem));
  const std::string ca(AsText(ca_bytes));
  if (SameFingerprint(node.record().fingerprint, fingerprint))
    RETURN_IF_ERROR(TakeOwnCertificate(node, pem, ca));
  else
    RETURN_IF_ERROR(node.enrolments().StoreCertificate(fingerprint, pem, ca, std::time(nullptr)));
  RETURN_IF_ERROR(node.audit().Append("certificate", 0, Sha256(AsBytes(pem))));
  context.enrolment_changed();
  return {};
}

Status Publish(const ControlContext& context, const json& arguments, bool roster) {
  ASSIGN_OR_RETURN(const std::string hex, Text(arguments, roster ? "roster" : "list"));
  ASSIGN_OR_RETURN(const Bytes packed, FromHex(hex));
  RETURN_IF_ERROR(roster ? context.node.PublishRoster(packed, context.apply)
                         : context.node.PublishRevocations(packed, context.apply));
  context.enrolment_changed();
  return {};
}

Status Change(const ControlContext& context, const std::string& command, const json& arguments) {
  if (command == "certificate") return TakeCertificate(context, arguments);
  if (command == "publish-roster") return Publish(context, arguments, /*roster=*/true);
  if (command == "publish-revocations") return Publish(context, arguments, /*roster=*/false);
  if (command == "resume") return context.apply(ResumeTrial{});
  if (command != "pause" && command != "close")
    return Error{ErrorCode::kInvalidInput, fmt::format("there is no command {}", command)};
  ASSIGN_OR_RETURN(std::string reason, Text(arguments, "reason"));
  if (command == "pause") return context.apply(PauseTrial{std::move(reason)});
  return context.apply(CloseTrial{std::move(reason)});
}

}  // namespace

Result<std::string> AnswerControl(const ControlContext& context, const std::string& command, const std::string& text) {
  const json arguments = json::parse(text, nullptr, false);
  if (!arguments.is_object()) return Error{ErrorCode::kInvalidInput, "a command's argument is a JSON object"};
  if (command == "trial") return Describe(context.node);
  if (command == "enrol-token") return MakeToken(context, arguments);
  if (command == "request") return GiveRequest(context.node, arguments);
  RETURN_IF_ERROR(Change(context, command, arguments));
  return std::string("{}");
}

Result<std::string> AskTrial(const std::filesystem::path& state, const std::string& command, const std::string& json) {
  const StatePaths paths{state};
  std::unique_ptr<Node> node;
  ASSIGN_OR_RETURN(auto answer, CallControlOrOpen(state, command, json, [&]() -> Status {
                     ASSIGN_OR_RETURN(node, Node::Open(paths, Node::Mode::kLocked));
                     return {};
                   }));
  if (answer) return std::move(*answer);
  ASSIGN_OR_RETURN(const CoordinatorConfig config, LoadConfig(paths.config()));
  const auto apply = [&](const Input& input) {
    bool fatal = false;
    return node->Apply(
        input, SteadyNow(), [](Effect&&) { return Status(); }, fatal);
  };
  return AnswerControl({*node, apply, [] {}, config.address}, command, json);
}

}  // namespace fedtrial::coordinator
