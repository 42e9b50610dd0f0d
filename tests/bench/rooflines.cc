#include "tests/bench/rooflines.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "common/runtime/files.h"

namespace fedtrial::bench {
namespace {

constexpr std::size_t kTile = 16 * 1024;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

void Need(bool ok, const char* what) {
  if (!ok) Fail(what);
}

Fd Listen(sockaddr_in& address) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  Need(bind(fd.get(), any, size) == 0 && listen(fd.get(), 1) == 0 && getsockname(fd.get(), any, &size) == 0,
       "no port on loopback");
  return fd;
}

}  // namespace

double CopySeconds(Clock clock, std::uint64_t bytes) {
  constexpr std::size_t kMost = 64 * kMegabyte;  // far past any cache of one core
  static std::vector<std::uint8_t> from(kMost, 1), to(kMost, 2);
  return SecondsOf(clock, [&] {
    for (std::uint64_t done = 0; done < bytes; done += kMost)
      std::memcpy(to.data(), from.data(), static_cast<std::size_t>(std::min<std::uint64_t>(kMost, bytes - done)));
  });
}

double CtrSeconds(Clock clock, std::uint64_t bytes) {
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const std::array<std::uint8_t, 32> key{7};
  const std::array<std::uint8_t, 16> counter{};
  EVP_EncryptInit_ex2(context.get(), EVP_aes_256_ctr(), key.data(), counter.data(), nullptr);
  alignas(64) std::array<std::uint8_t, kTile> tile{};
  int written = 0;
  return SecondsOf(clock, [&] {
    for (std::uint64_t done = 0; done < bytes; done += kTile)
      EVP_EncryptUpdate(context.get(), tile.data(), &written, tile.data(),
                        static_cast<int>(std::min<std::uint64_t>(kTile, bytes - done)));
  });
}

double GcmSeconds(Clock clock, std::uint64_t bytes) {
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const std::array<std::uint8_t, 32> key{7};
  const std::array<std::uint8_t, 12> nonce{};
  EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), nonce.data(), nullptr);
  std::vector<std::uint8_t> from(kTile), to(kTile + 16);
  std::array<std::uint8_t, 16> tag{};
  int written = 0;
  return SecondsOf(clock, [&] {
    for (std::uint64_t done = 0; done < bytes; done += kTile) {
      EVP_EncryptInit_ex2(context.get(), nullptr, nullptr, nonce.data(), nullptr);
      EVP_EncryptUpdate(context.get(), to.data(), &written, from.data(), static_cast<int>(kTile));
      EVP_EncryptFinal_ex(context.get(), to.data(), &written);
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, tag.data());
    }
  });
}

double Sha256Seconds(Clock clock, std::uint64_t bytes) {
  const DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex2(context.get(), EVP_sha256(), nullptr);
  const std::vector<std::uint8_t> block(kMegabyte, 3);
  std::array<std::uint8_t, 32> digest{};
  return SecondsOf(clock, [&] {
    for (std::uint64_t done = 0; done < bytes; done += kMegabyte)
      EVP_DigestUpdate(context.get(), block.data(),
                       static_cast<std::size_t>(std::min<std::uint64_t>(kMegabyte, bytes - done)));
    EVP_DigestFinal_ex(context.get(), digest.data(), nullptr);
  });
}

double LoopbackSeconds(Clock clock, std::uint64_t bytes) {
  sockaddr_in address{};
  const Fd listener = Listen(address);
  const Fd sender(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Need(connect(sender.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "loopback doesn't answer");
  const Fd receiver(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const std::vector<std::uint8_t> out(kMegabyte, 5);
  std::vector<std::uint8_t> in(kMegabyte);
  return SecondsOf(clock, [&] {
    const std::jthread other([&] {
      for (std::uint64_t left = bytes; left > 0;) {
        const ssize_t sent = send(sender.get(), out.data(), std::min<std::uint64_t>(left, kMegabyte), MSG_NOSIGNAL);
        Need(sent > 0, "loopback has broken");
        left -= static_cast<std::uint64_t>(sent);
      }
    });
    for (std::uint64_t left = bytes; left > 0;) {
      const ssize_t got = recv(receiver.get(), in.data(), in.size(), 0);
      Need(got > 0, "loopback has broken");
      left -= static_cast<std::uint64_t>(got);
    }
  });
}

double AgreementSeconds(Clock clock, std::uint64_t count) {
  const auto generate = [] { return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"), EVP_PKEY_free); };
  const Key mine = generate(), theirs = generate();
  std::array<std::uint8_t, 32> secret{};
  return SecondsOf(clock, [&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      const KeyContext context(EVP_PKEY_CTX_new(mine.get(), nullptr), EVP_PKEY_CTX_free);
      std::size_t size = secret.size();
      Need(EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1 &&
               EVP_PKEY_derive(context.get(), secret.data(), &size) == 1,
           "X25519 fails");
    }
  });
}

double DurableWriteSeconds(Clock clock, const std::filesystem::path& folder, std::uint64_t files, std::uint64_t bytes) {
  const std::vector<std::uint8_t> block(kMegabyte, 9);
  const std::filesystem::path path = folder / "roofline";
  const double seconds = SecondsOf(clock, [&] {
    for (std::uint64_t i = 0; i < files; ++i) {
      const Fd fd(open((path.string() + std::to_string(i)).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
      for (std::uint64_t done = 0; done < bytes; done += kMegabyte)
        Check(WriteAll(fd.get(), ByteView(block).first(std::min<std::uint64_t>(kMegabyte, bytes - done)), path));
      Need(fsync(fd.get()) == 0, "fsync fails");
    }
  });
  for (std::uint64_t i = 0; i < files; ++i) std::filesystem::remove(path.string() + std::to_string(i));
  return seconds;
}

double DurableAppendSeconds(Clock clock, const std::filesystem::path& folder, std::uint64_t count) {
  const std::vector<std::uint8_t> block(4096, 9);
  const std::filesystem::path path = folder / "roofline-append";
  const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const double seconds = SecondsOf(clock, [&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      Check(WriteAll(fd.get(), block, path));
      Need(fdatasync(fd.get()) == 0, "fdatasync fails");
    }
  });
  std::filesystem::remove(path);
  return seconds;
}

double TlsSeconds(Clock clock, std::uint64_t bytes) {
  return 2 * GcmSeconds(clock, bytes) + LoopbackSeconds(clock, bytes);
}

}  // namespace fedtrial::bench
