#include "coordinator/shell/heads.h"

#include <fmt/format.h>

namespace fedtrial::coordinator {
namespace {

constexpr std::string_view kTable = "heads";

Status TakeCountersignature(Node& node, SiteId site, const VerifyKey& site_key, ByteView countersigned) {
  ASSIGN_OR_RETURN(const CountersignedHead ours, UnpackCountersignedHead(countersigned));
  if (!VerifyHead(node.signing_key().PublicKey(), ours.head) ||
      !VerifyCountersignature(site_key, ours.head, ours.countersignature))
    return Error{
        ErrorCode::kIntegrity,
        fmt::format("{} has countersigned an audit head that isn't ours, or with another key", ToString(site))};
  return node.audit().Countersigned(ours.head, site, ours.countersignature);
}

}  // namespace

Result<Heads> ExchangeHeads(Node& node, SiteId site, const VerifyKey& site_key, const Heads& theirs) {
  ASSIGN_OR_RETURN(const SignedHead head, UnpackHead(theirs.head));
  if (!VerifyHead(site_key, head))
    return Error{ErrorCode::kIntegrity, fmt::format("the audit head of {} isn't signed with its key", ToString(site))};
  const std::string key = std::to_string(site.value);
  ASSIGN_OR_RETURN(const auto seen, node.store().Get(kTable, key));
  if (seen) {
    ASSIGN_OR_RETURN(const SignedHead before, UnpackHead(*seen));
    RETURN_IF_ERROR(CheckNextHead(before.head, head.head));
  }
  RETURN_IF_ERROR(node.store().Put(kTable, key, theirs.head));
  if (!theirs.countersigned.empty()) RETURN_IF_ERROR(TakeCountersignature(node, site, site_key, theirs.countersigned));

  std::optional<SignedHead> own = node.audit().last_signed();
  if (!own) {
    ASSIGN_OR_RETURN(own, node.audit().Sign(node.signing_key()));
  }
  return Heads{PackHead(*own), PackHead(CountersignedHead{head, CountersignHead(node.signing_key(), head)})};
}

}  // namespace fedtrial::coordinator
