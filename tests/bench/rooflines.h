#pragma once

#include <cstdint>
#include <filesystem>

#include "tests/bench/figure.h"

// The machine's own limits, from plain calls of OpenSSL and the kernel: nothing of fedtrial's is in them.
namespace fedtrial::bench {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

// Each returns the seconds that `bytes` take; one thread but for the TCP one.
double CopySeconds(Clock clock, std::uint64_t bytes);       // memcpy; read and write are one byte
double CtrSeconds(Clock clock, std::uint64_t bytes);        // AES-256-CTR into a tile of 16 KiB
double GcmSeconds(Clock clock, std::uint64_t bytes);        // AES-256-GCM in records of 16 KiB, one end
double Sha256Seconds(Clock clock, std::uint64_t bytes);     // EVP, 1 MiB at a time
double LoopbackSeconds(Clock clock, std::uint64_t bytes);   // plain TCP, both ends
double AgreementSeconds(Clock clock, std::uint64_t count);  // X25519 derivations
// Files of `bytes` each, written 1 MiB at a time and made durable.
double DurableWriteSeconds(Clock clock, const std::filesystem::path& folder, std::uint64_t files, std::uint64_t bytes);
// Appends of 4 KiB to one file, each made durable.
double DurableAppendSeconds(Clock clock, const std::filesystem::path& folder, std::uint64_t count);

// Traffic under TLS: GCM at both ends and the loopback.
double TlsSeconds(Clock clock, std::uint64_t bytes);

}  // namespace fedtrial::bench
