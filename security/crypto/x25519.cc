#include "security/crypto/x25519.h"

#include <algorithm>
#include <cstddef>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string_view>

#include "security/crypto/openssl.h"

namespace fedtrial {
namespace {

struct PkeyCtxFree {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using EvpPkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, PkeyCtxFree>;

// u coordinates of the points of order 1, 2, 4 and 8, little-endian, top bit clear: 0, 1, the two of order 8, p-1, and
// 0 and 1 again as p and p+1.
constexpr std::array<std::string_view, 7> kLowOrder = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

}  // namespace

X25519PrivateKey::X25519PrivateKey(SecretBytes<32> bytes)
    : bytes_(std::move(bytes)),
      key_(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, bytes_.span().data(), bytes_.size())) {
  std::size_t size = public_key_.size();
  if (key_ == nullptr || EVP_PKEY_get_raw_public_key(key_.get(), public_key_.data(), &size) != 1)
    OpenSslAbort("making an X25519 key");
}

X25519PrivateKey X25519PrivateKey::Generate(Random& random) {
  SecretBytes<32> bytes;
  random.Fill(bytes.span());
  return X25519PrivateKey(std::move(bytes));
}

Result<X25519PrivateKey> X25519PrivateKey::FromBytes(ByteView bytes) {
  ASSIGN_OR_RETURN(SecretBytes<32> copy, SecretBytes<32>::CopyOf(bytes));
  return X25519PrivateKey(std::move(copy));
}

Result<SecretBytes<32>> X25519PrivateKey::Agree(const X25519PublicKey& theirs) const {
  const EvpPkeyPtr peer(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, theirs.data(), theirs.size()));
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new(key_.get(), nullptr));
  SecretBytes<32> shared;
  std::size_t size = shared.size();
  if (peer == nullptr || context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1)
    return OpenSslError("X25519");
  // OpenSSL refuses a zero secret; the second look costs nothing and doesn't rest on that.
  if (EVP_PKEY_derive(context.get(), shared.span().data(), &size) != 1 ||
      ConstantTimeEqual(shared.view(), SecretBytes<32>().view())) {
    ERR_clear_error();
    return Error{ErrorCode::kIntegrity, "the X25519 shared secret is zero: a low-order public key"};
  }
  return shared;
}

bool IsLowOrder(const X25519PublicKey& key) {
  X25519PublicKey canonical = key;
  canonical[31] &= 0x7f;  // RFC 7748: the top bit doesn't count
  return std::find(kLowOrder.begin(), kLowOrder.end(), ToHex(canonical)) != kLowOrder.end();
}

}  // namespace fedtrial
