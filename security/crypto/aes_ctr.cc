#include "security/crypto/aes_ctr.h"

#include <algorithm>
#include <cstddef>
#include <openssl/evp.h>

#include "security/crypto/openssl.h"

namespace fedtrial {

CtrStream::CtrStream(std::span<const std::uint8_t, 32> key) : context_(EVP_CIPHER_CTX_new()) {
  if (context_ == nullptr ||
      EVP_EncryptInit_ex2(context_.get(), EVP_aes_256_ctr(), key.data(), start_.data(), nullptr) != 1)
    OpenSslAbort("AES-256-CTR");
}

CtrStream CtrStream::FromCounterForTest(std::span<const std::uint8_t, 32> key,
                                        std::span<const std::uint8_t, 16> counter) {
  CtrStream stream(key);
  std::copy(counter.begin(), counter.end(), stream.start_.begin());
  stream.SeekTo(0);
  return stream;
}

void CtrStream::SeekTo(std::uint64_t offset) {
  std::array<std::uint8_t, 16> counter = start_;
  std::uint64_t carry = offset / counter.size();
  for (std::size_t i = counter.size(); i-- > 0;) {  // big-endian: the last byte is the lowest
    const std::uint64_t sum = counter[i] + (carry & 0xff);
    counter[i] = static_cast<std::uint8_t>(sum);
    carry = (carry >> 8) + (sum >> 8);
  }
  if (EVP_EncryptInit_ex2(context_.get(), nullptr, nullptr, counter.data(), nullptr) != 1) OpenSslAbort("AES-256-CTR");
  std::array<std::uint8_t, 16> skipped;
  Fill(std::span(skipped).first(offset % counter.size()));
}

void CtrStream::Fill(std::span<std::uint8_t> out) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 30;  // the call takes an int
  std::fill(out.begin(), out.end(), std::uint8_t{0});
  while (!out.empty()) {
    const std::size_t size = std::min(out.size(), kAtOnce);
    int written = 0;
    if (EVP_EncryptUpdate(context_.get(), out.data(), &written, out.data(), static_cast<int>(size)) != 1)
      OpenSslAbort("AES-256-CTR");
    out = out.subspan(size);
  }
}

}  // namespace fedtrial
