#include "security/crypto/openssl.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>

namespace fedtrial {

void OpenSslFree::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }
void OpenSslFree::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }
void OpenSslFree::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

Error OpenSslError(std::string_view what) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_peek_last_error(), reason.data(), reason.size());
  ERR_clear_error();
  return {ErrorCode::kInternal, fmt::format("{} failed: {}", what, reason.data())};
}

void OpenSslAbort(std::string_view what) {
  const Error error = OpenSslError(what);
  std::fprintf(stderr, "fedtrial: %s\n", error.message.c_str());
  std::abort();
}

}  // namespace fedtrial
