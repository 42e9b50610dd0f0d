#include "security/crypto/ed25519.h"

#include <cstddef>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "security/crypto/openssl.h"

namespace fedtrial {

SigningKey::SigningKey(SecretBytes<32> seed)
    : seed_(std::move(seed)),
      key_(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed_.span().data(), seed_.size())) {
  std::size_t size = public_key_.size();
  if (key_ == nullptr || EVP_PKEY_get_raw_public_key(key_.get(), public_key_.data(), &size) != 1)
    OpenSslAbort("making an Ed25519 key");
}

SigningKey SigningKey::Generate(Random& random) {
  SecretBytes<32> seed;
  random.Fill(seed.span());
  return SigningKey(std::move(seed));
}

Result<SigningKey> SigningKey::FromSeed(ByteView seed) {
  ASSIGN_OR_RETURN(SecretBytes<32> copy, SecretBytes<32>::CopyOf(seed));
  return SigningKey(std::move(copy));
}

Signature SigningKey::Sign(ByteView message) const {
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  Signature signature;
  std::size_t size = signature.size();
  if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1)
    OpenSslAbort("signing with Ed25519");
  return signature;
}

bool Verify(const VerifyKey& key, ByteView message, const Signature& signature) {
  const EvpPkeyPtr pkey(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  const bool good =
      pkey != nullptr && context != nullptr &&
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  ERR_clear_error();
  return good;
}

Signature SignLabelled(const SigningKey& key, std::string_view label, ByteView message) {
  return key.Sign(ByteWriter().Label(label).Raw(message).bytes());
}

bool VerifyLabelled(const VerifyKey& key, std::string_view label, ByteView message, const Signature& signature) {
  return Verify(key, ByteWriter().Label(label).Raw(message).bytes(), signature);
}

}  // namespace fedtrial
