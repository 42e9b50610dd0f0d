#include "security/crypto/secret.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

namespace fedtrial {

void Wipe(std::span<std::uint8_t> bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

bool ConstantTimeEqual(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

SecretBuffer SecretBuffer::CopyOf(ByteView bytes) {
  SecretBuffer copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.bytes_.get());
  return copy;
}

SecretBuffer& SecretBuffer::operator=(SecretBuffer&& other) noexcept {
  if (this != &other) {
    Clear();
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, std::size_t{0});
  }
  return *this;
}

void SecretBuffer::Clear() {
  Wipe(span());
  bytes_.reset();
  size_ = 0;
}

Error WrongSecretSize(std::size_t got, std::size_t wanted) {
  return {ErrorCode::kInvalidInput, fmt::format("a secret of {} bytes, wanted {}", got, wanted)};
}

}  // namespace fedtrial
