#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "common/base/bytes.h"

namespace fedtrial {

// Overwrites with zeros; the compiler can't leave it out.
void Wipe(std::span<std::uint8_t> bytes);

// No early exit on the first difference. Lengths aren't secret: unequal ones compare false at once.
bool ConstantTimeEqual(ByteView a, ByteView b);

// Copying, comparing and printing are left out on purpose: compare with ConstantTimeEqual.

// N secret bytes, zero at first; wiped on destruction and when moved from.
template <std::size_t N>
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::span<const std::uint8_t, N> bytes) {
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }
  // kInvalidInput unless there are N bytes.
  static Result<SecretBytes> CopyOf(ByteView bytes);
  ~SecretBytes() { Wipe(bytes_); }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : bytes_(other.bytes_) { Wipe(other.bytes_); }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      Wipe(other.bytes_);
    }
    return *this;
  }

  std::span<std::uint8_t, N> span() { return bytes_; }
  std::span<const std::uint8_t, N> span() const { return bytes_; }
  ByteView view() const { return bytes_; }
  static constexpr std::size_t size() { return N; }
  SecretBytes Clone() const { return SecretBytes(span()); }

 private:
  std::array<std::uint8_t, N> bytes_{};
};

// The same with a size set at construction; empty after a move.
class SecretBuffer {
 public:
  SecretBuffer() = default;
  explicit SecretBuffer(std::size_t size) : bytes_(std::make_unique<std::uint8_t[]>(size)), size_(size) {}
  static SecretBuffer CopyOf(ByteView bytes);
  ~SecretBuffer() { Clear(); }
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;
  SecretBuffer(SecretBuffer&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, std::size_t{0})) {}
  SecretBuffer& operator=(SecretBuffer&& other) noexcept;

  std::span<std::uint8_t> span() { return {bytes_.get(), size_}; }
  ByteView view() const { return {bytes_.get(), size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  SecretBuffer Clone() const { return CopyOf(view()); }
  void Clear();  // wipes and frees

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_ = 0;
};

Error WrongSecretSize(std::size_t got, std::size_t wanted);

template <std::size_t N>
Result<SecretBytes<N>> SecretBytes<N>::CopyOf(ByteView bytes) {
  if (bytes.size() != N) return WrongSecretSize(bytes.size(), N);
  return SecretBytes(bytes.first<N>());
}

}  // namespace fedtrial
