#include "security/pki/signed_bytes.h"

#include <algorithm>

namespace fedtrial {
namespace {

template <typename Signed>
Bytes PackSigned(const Signed& value) {
  return ByteWriter().Raw(value.encoded).Raw(value.signature).Take();
}

template <typename Signed>
Result<Signed> UnpackSigned(ByteView bytes, const char* what) {
  Signed value;
  if (bytes.size() < value.signature.size())
    return Error{ErrorCode::kInvalidInput, std::string(what) + " is shorter than its signature"};
  const ByteView encoded = bytes.first(bytes.size() - value.signature.size());
  value.encoded = ToBytes(encoded);
  std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(encoded.size()), bytes.end(), value.signature.begin());
  return value;
}

}  // namespace

Bytes Pack(const SignedRoster& roster) { return PackSigned(roster); }
Bytes Pack(const SignedRevocationList& list) { return PackSigned(list); }
Result<SignedRoster> UnpackRoster(ByteView bytes) { return UnpackSigned<SignedRoster>(bytes, "a signed roster"); }
Result<SignedRevocationList> UnpackRevocationList(ByteView bytes) {
  return UnpackSigned<SignedRevocationList>(bytes, "a signed revocation list");
}

}  // namespace fedtrial
