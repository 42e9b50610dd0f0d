#include "security/crypto/aes_gcm.h"

#include <fmt/format.h>
#include <limits>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "security/crypto/openssl.h"

namespace fedtrial {
namespace {

constexpr std::size_t kMaxMessage = std::numeric_limits<int>::max();

Status CheckSizes(ByteView key, ByteView nonce, ByteView aad, ByteView message) {
  if (key.size() != kGcmKeySize)
    return Error{ErrorCode::kInvalidInput, fmt::format("an AES-256 key has 32 bytes, got {}", key.size())};
  if (nonce.size() != kGcmNonceSize)
    return Error{ErrorCode::kInvalidInput, fmt::format("a GCM nonce has 12 bytes, got {}", nonce.size())};
  if (message.size() > kMaxMessage || aad.size() > kMaxMessage)
    return Error{ErrorCode::kInvalidInput, fmt::format("a GCM message of {} bytes is too long", message.size())};
  return {};
}

int IntSize(ByteView bytes) { return static_cast<int>(bytes.size()); }  // after CheckSizes

}  // namespace

Result<Bytes> GcmSeal(ByteView key, ByteView nonce, ByteView aad, ByteView plain) {
  RETURN_IF_ERROR(CheckSizes(key, nonce, aad, plain));
  const EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
  Bytes sealed(plain.size() + kGcmTagSize);
  int size = 0;
  if (context == nullptr ||
      EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), nonce.data(), nullptr) != 1 ||
      EVP_EncryptUpdate(context.get(), nullptr, &size, aad.data(), IntSize(aad)) != 1 ||
      EVP_EncryptUpdate(context.get(), sealed.data(), &size, plain.data(), IntSize(plain)) != 1 ||
      EVP_EncryptFinal_ex(context.get(), sealed.data() + plain.size(), &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kGcmTagSize, sealed.data() + plain.size()) != 1)
    return OpenSslError("AES-256-GCM");
  return sealed;
}

Result<SecretBuffer> GcmOpen(ByteView key, ByteView nonce, ByteView aad, ByteView sealed) {
  RETURN_IF_ERROR(CheckSizes(key, nonce, aad, sealed));
  if (sealed.size() < kGcmTagSize)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("a sealed message of {} bytes has no room for its tag", sealed.size())};
  const ByteView cipher = sealed.first(sealed.size() - kGcmTagSize);
  Bytes tag = ToBytes(sealed.last(kGcmTagSize));
  const EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
  SecretBuffer plain(cipher.size());
  int size = 0;
  if (context == nullptr ||
      EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), nonce.data(), nullptr) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kGcmTagSize, tag.data()) != 1 ||
      EVP_DecryptUpdate(context.get(), nullptr, &size, aad.data(), IntSize(aad)) != 1 ||
      EVP_DecryptUpdate(context.get(), plain.span().data(), &size, cipher.data(), IntSize(cipher)) != 1)
    return OpenSslError("AES-256-GCM");
  if (EVP_DecryptFinal_ex(context.get(), plain.span().data() + cipher.size(), &size) != 1) {
    ERR_clear_error();
    return Error{ErrorCode::kIntegrity, "a sealed message doesn't open: wrong key or changed bytes"};
  }
  return plain;
}

}  // namespace fedtrial
