#include "coordinator/shell/heads.h"

#include <fmt/format.h>

namespace fedtrial::coordinator {
namespace {

constexpr std::string_view kTable = "heads";

Status TakeCountersignature(Node& node, SiteId site, const VerifyKey& site_key, ByteView countersigned) {
  Signature signature{};
  if (countersigned.size() <= signature.size())
    return Error{ErrorCode::kInvalidInput, "a countersigned audit head is too short"};
  const ByteView tail = countersigned.last(signature.size());
  std::copy(tail.begin(), tail.end(), signature.begin());
  ASSIGN_OR_RETURN(const SignedHead ours, UnpackHead(countersigned.first(countersigned.size() - signature.size())));
  if (!VerifyHead(node.signing_key().PublicKey(), ours) || !VerifyCountersignature(site_key, ours, signature))
    return Error{
        ErrorCode::kIntegrity,
        fmt::format("{} has countersigned an audit head that isn't ours, or with another key", ToString(site))};
  return node.audit().Countersigned(ours, site, signature);
}

}  // namespace

Bytes PackHead(const SignedHead& head) {
  return ByteWriter().U64(head.head.seq).Raw(head.head.hash).Enc(head.time).Raw(head.signature).Take();
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
  return Heads{PackHead(*own), ByteWriter().Raw(theirs.head).Raw(CountersignHead(node.signing_key(), head)).Take()};
}

}  // namespace fedtrial::coordinator
