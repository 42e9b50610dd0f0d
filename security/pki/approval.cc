#include "security/pki/approval.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace fedtrial {
namespace {

constexpr std::size_t kMaxText = 2000;

Bytes SignedPart(const Approval& approval) {
  return ByteWriter().Raw(approval.plan_hash).Enc(approval.name).Enc(approval.time).Enc(approval.meaning).Take();
}

}  // namespace

Bytes Approval::Encode() const { return ByteWriter().Raw(SignedPart(*this)).Raw(signature).Take(); }

Result<Approval> Approval::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  Approval approval;
  approval.plan_hash = reader.Array<32>();
  approval.name = reader.EncText();
  approval.time = reader.EncText();
  approval.meaning = reader.EncText();
  approval.signature = reader.Array<64>();
  RETURN_IF_ERROR(reader.Finish("approval"));
  if (approval.name.empty() || approval.name.size() > 200)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("the approval's name has {} bytes, wanted 1 to 200", approval.name.size())};
  if (approval.time.size() > kMaxText || approval.meaning.size() > kMaxText)
    return Error{ErrorCode::kInvalidInput, fmt::format("the approval's text has more than {} bytes", kMaxText)};
  return approval;
}

Approval SignApproval(const SigningKey& site, Approval approval) {
  approval.signature = SignLabelled(site, kApproveLabel, SignedPart(approval));
  return approval;
}

Status CheckApproval(const VerifyKey& site, const Approval& approval) {
  if (!VerifyLabelled(site, kApproveLabel, SignedPart(approval), approval.signature))
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the approval of {} isn't signed with this site's key", approval.name)};
  return {};
}

Signature SignPlan(const SigningKey& consortium, const Digest& plan_hash) {
  return SignLabelled(consortium, kPlanLabel, plan_hash);
}

bool VerifyPlan(const VerifyKey& consortium, const Digest& plan_hash, ByteView signature) {
  if (signature.size() != 64) return false;
  Signature fixed{};
  std::copy(signature.begin(), signature.end(), fixed.begin());
  return VerifyLabelled(consortium, kPlanLabel, plan_hash, fixed);
}

}  // namespace fedtrial
