#include "security/crypto/secret.h"

#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <new>
#include <type_traits>

namespace {

// The block to look at when it is freed, and what it held then.
const void* watched = nullptr;
std::array<std::uint8_t, 32> seen_at_free{};
bool was_freed = false;

void FreeWatched(void* block) {
  if (block != nullptr && block == watched) {
    std::memcpy(seen_at_free.data(), block, seen_at_free.size());
    watched = nullptr;
    was_freed = true;
  }
  std::free(block);
}

void* Allocate(std::size_t size) {
  void* const block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void Watch(const void* block) {
  watched = block;
  was_freed = false;
  seen_at_free.fill(0xee);
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void operator delete(void* block) noexcept { FreeWatched(block); }
void operator delete(void* block, std::size_t) noexcept { FreeWatched(block); }
void operator delete[](void* block) noexcept { FreeWatched(block); }
void operator delete[](void* block, std::size_t) noexcept { FreeWatched(block); }

namespace fedtrial {
namespace {

const std::array<std::uint8_t, 32> kZeros{};
const Bytes kPattern(32, 0xa5);

bool IsZero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

static_assert(!std::is_copy_constructible_v<SecretBytes<32>> && !std::is_copy_assignable_v<SecretBytes<32>>);
static_assert(!std::is_copy_constructible_v<SecretBuffer> && !std::is_copy_assignable_v<SecretBuffer>);

TEST(SecretBytes, AreWipedBeforeTheirMemoryIsFreed) {
  auto secret = std::make_unique<SecretBytes<32>>(SecretBytes<32>::CopyOf(kPattern).value());
  Watch(secret.get());
  secret.reset();
  ASSERT_TRUE(was_freed);
  EXPECT_EQ(seen_at_free, kZeros);
}

TEST(SecretBytes, AreWipedWhenMovedFrom) {
  SecretBytes<32> from = SecretBytes<32>::CopyOf(kPattern).value();
  SecretBytes<32> to(std::move(from));
  EXPECT_TRUE(IsZero(from.view()));
  SecretBytes<32> assigned;
  assigned = std::move(to);
  EXPECT_TRUE(IsZero(to.view()));
  EXPECT_EQ(ToBytes(assigned.view()), kPattern);
  SecretBytes<32>& same = assigned;
  assigned = std::move(same);
  EXPECT_EQ(ToBytes(assigned.view()), kPattern);
}

TEST(SecretBytes, OtherSizesAreRefused) {
  EXPECT_EQ(SecretBytes<32>::CopyOf(Bytes(31)).error().message, "a secret of 31 bytes, wanted 32");
}

TEST(SecretBuffer, IsWipedBeforeItsMemoryIsFreed) {
  SecretBuffer secret = SecretBuffer::CopyOf(kPattern);
  Watch(secret.view().data());
  secret.Clear();
  ASSERT_TRUE(was_freed);
  EXPECT_EQ(seen_at_free, kZeros);
  EXPECT_TRUE(secret.empty());
}

TEST(SecretBuffer, IsWipedWhenAnotherIsMovedIn) {
  SecretBuffer secret = SecretBuffer::CopyOf(kPattern);
  SecretBuffer next = SecretBuffer::CopyOf(Bytes{1, 2});
  Watch(secret.view().data());
  secret = std::move(next);
  ASSERT_TRUE(was_freed);
  EXPECT_EQ(seen_at_free, kZeros);
  EXPECT_EQ(ToBytes(secret.view()), (Bytes{1, 2}));
  EXPECT_TRUE(next.empty());
}

TEST(SecretBuffer, LeavesNothingBehindWhenMovedFrom) {
  SecretBuffer from = SecretBuffer::CopyOf(kPattern);
  const SecretBuffer to(std::move(from));
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(ToBytes(to.view()), kPattern);
  EXPECT_EQ(ToBytes(to.Clone().view()), kPattern);
}

TEST(ConstantTimeEqual, ComparesLengthAndEveryByte) {
  EXPECT_TRUE(ConstantTimeEqual({}, {}));
  EXPECT_FALSE(ConstantTimeEqual(kPattern, Bytes(31, 0xa5)));
  for (std::size_t i = 0; i < kPattern.size(); ++i) {
    Bytes other = kPattern;
    EXPECT_TRUE(ConstantTimeEqual(kPattern, other));
    other[i] ^= 1;
    EXPECT_FALSE(ConstantTimeEqual(kPattern, other));
  }
}

}  // namespace
}  // namespace fedtrial
