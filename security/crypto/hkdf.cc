#include "security/crypto/hkdf.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "security/crypto/openssl.h"

namespace fedtrial {
namespace {

constexpr std::size_t kMaxSize = 255 * 32;
constexpr std::array<std::uint8_t, 32> kNoSalt{};  // what RFC 5869 puts for an empty one; OpenSSL 3.0 refuses to

struct KdfFree {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

// The parameter only reads, but its type isn't const.
OSSL_PARAM Octets(const char* name, ByteView bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()), bytes.size());
}

Status Derive(ByteView ikm, ByteView salt, ByteView info, std::span<std::uint8_t> out) {
  static const std::unique_ptr<EVP_KDF, KdfFree> kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
  const std::unique_ptr<EVP_KDF_CTX, KdfFree> context(EVP_KDF_CTX_new(kdf.get()));
  if (context == nullptr) return OpenSslError("HKDF");
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 5> params = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                            Octets(OSSL_KDF_PARAM_KEY, ikm),
                                            Octets(OSSL_KDF_PARAM_SALT, salt.empty() ? ByteView(kNoSalt) : salt),
                                            Octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  if (EVP_KDF_derive(context.get(), out.data(), out.size(), params.data()) != 1) return OpenSslError("HKDF");
  return {};
}

}  // namespace

Result<SecretBuffer> HkdfSha256(ByteView ikm, ByteView salt, ByteView info, std::size_t size) {
  if (size == 0 || size > kMaxSize)
    return Error{ErrorCode::kInvalidInput, fmt::format("HKDF gives 1 to {} bytes, {} were asked for", kMaxSize, size)};
  SecretBuffer out(size);
  RETURN_IF_ERROR(Derive(ikm, salt, info, out.span()));
  return out;
}

Result<SecretBytes<32>> HkdfSha256Key(ByteView ikm, ByteView salt, ByteView info) {
  SecretBytes<32> out;
  RETURN_IF_ERROR(Derive(ikm, salt, info, out.span()));
  return out;
}

}  // namespace fedtrial
