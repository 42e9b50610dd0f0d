#pragma once

#include <memory>

// OpenSSL's handles by name only, so that our public headers need none of its own.
struct evp_cipher_ctx_st;
struct evp_md_ctx_st;
struct evp_pkey_st;

namespace fedtrial {

struct OpenSslFree {
  void operator()(evp_cipher_ctx_st* context) const;
  void operator()(evp_md_ctx_st* context) const;
  void operator()(evp_pkey_st* key) const;
};

using EvpCipherCtxPtr = std::unique_ptr<evp_cipher_ctx_st, OpenSslFree>;
using EvpMdCtxPtr = std::unique_ptr<evp_md_ctx_st, OpenSslFree>;
using EvpPkeyPtr = std::unique_ptr<evp_pkey_st, OpenSslFree>;

}  // namespace fedtrial
