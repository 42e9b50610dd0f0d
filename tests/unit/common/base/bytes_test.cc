#include "common/base/bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/base/problems.h"

namespace fedtrial {
namespace {

TEST(ByteReader, ReadsBackWhatTheWriterWrote) {
  const Bytes bytes = ByteWriter().U8(7).U32(0xdeadbeef).U64(1).Enc("abc").Take();
  ByteReader reader(bytes);
  EXPECT_EQ(reader.U8(), 7);
  EXPECT_EQ(reader.U32(), 0xdeadbeef);
  EXPECT_EQ(reader.U64(), 1u);
  EXPECT_EQ(reader.EncText(), "abc");
  EXPECT_TRUE(reader.Finish("message").ok());
}

TEST(ByteWriter, WritesIntegersLittleEndian) {
  EXPECT_EQ(ToHex(ByteWriter().U32(1).U64(2).bytes()), "010000000200000000000000");
}

TEST(ByteReader, ALengthBeyondTheEndIsRefusedNotRead) {
  const Bytes bytes = ByteWriter().U32(0xffffffff).U8(1).Take();
  ByteReader reader(bytes);
  EXPECT_TRUE(reader.Enc().empty());
  EXPECT_EQ(reader.U8(), 0);
  EXPECT_EQ(reader.Finish("hello").error().message, "hello is cut short");
}

TEST(ByteReader, LeftOverBytesAreRefused) {
  const Bytes bytes{1, 2, 3};
  ByteReader reader(bytes);
  reader.U8();
  EXPECT_EQ(reader.Finish("hello").error().message, "hello has 2 bytes too many");
}

TEST(Hex, RefusesOddLengthAndOtherLetters) {
  EXPECT_FALSE(FromHex("abc").ok());
  EXPECT_EQ(FromHex("0g").error().message, "not a hex digit at position 2");
  EXPECT_FALSE(DigestFromHex("00").ok());
}

RC_GTEST_PROP(Hex, AnyBytesComeBack, (const std::vector<std::uint8_t>& bytes)) {
  RC_ASSERT(FromHex(ToHex(bytes)).value() == bytes);
}

TEST(Problems, AreAllInOneError) {
  Problems problems;
  EXPECT_TRUE(problems.ToStatus().ok());
  problems.Add({"plan.toml", 3, 1, "rules.threshold", "5 is larger than min_sites (3)"});
  problems.Add({"plan.toml", 0, 0, "", "no step"});
  EXPECT_EQ(problems.ToStatus().error().message,
            "plan.toml:3:1: rules.threshold: 5 is larger than min_sites (3)\nplan.toml: no step");
}

}  // namespace
}  // namespace fedtrial
