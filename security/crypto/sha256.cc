#include "security/crypto/sha256.h"

#include <openssl/evp.h>

#include "security/crypto/openssl.h"

namespace fedtrial {

Digest Sha256(ByteView bytes) {
  Sha256Stream stream;
  stream.Update(bytes);
  return stream.Finish();
}

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr || EVP_DigestInit_ex2(context_.get(), EVP_sha256(), nullptr) != 1) OpenSslAbort("SHA-256");
}

void Sha256Stream::Update(ByteView bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) OpenSslAbort("SHA-256");
}

Digest Sha256Stream::Finish() {
  Digest digest;
  if (EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1 ||
      EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) != 1)
    OpenSslAbort("SHA-256");
  return digest;
}

}  // namespace fedtrial
