#pragma once

#include <string>

#include "common/base/bytes.h"
#include "security/crypto/ed25519.h"

namespace fedtrial {

// One operator's word, on paper terms: name, time and meaning beside the signature. Made with the site's own key.
struct Approval {
  Digest plan_hash{};
  std::string name;     // of the person, 1 to 200 bytes
  std::string time;     // RFC 3339, as his clock said; not checked
  std::string meaning;  // "I have read this plan and ..."
  Signature signature{};

  // plan_hash || enc(name) || enc(time) || enc(meaning), then the signature.
  Bytes Encode() const;
  static Result<Approval> Decode(ByteView bytes);
  bool operator==(const Approval&) const = default;
};

// Signs "fl/approve/v1" || plan_hash || enc(name) || enc(time) || enc(meaning).
Approval SignApproval(const SigningKey& site, Approval approval);
// kIntegrity if the signature doesn't hold.
Status CheckApproval(const VerifyKey& site, const Approval& approval);

// The consortium's signature under the locked plan: "fl/plan/v1" || plan_hash.
Signature SignPlan(const SigningKey& consortium, const Digest& plan_hash);
bool VerifyPlan(const VerifyKey& consortium, const Digest& plan_hash, ByteView signature);

}  // namespace fedtrial
