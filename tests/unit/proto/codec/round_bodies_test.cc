#include "proto/codec/round_bodies.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace fedtrial {
namespace {

template <std::size_t N = 32>
std::array<std::uint8_t, N> All(std::uint8_t value) {
  std::array<std::uint8_t, N> out{};
  out.fill(value);
  return out;
}

ModelLink Link(std::uint8_t value) { return {value, All(value), All(2), All(3), All<64>(4)}; }

RoundOpenBody RoundOpen() { return {{7, 2}, 3, 4, 1, All(5), All(6), All(7), All(8), {Link(1), Link(9)}}; }
HelloBody Hello() { return {false, "", All(1), {true, false, true}, All(2), 1}; }
PhaseOpenBody PhaseOpen() { return {{SiteId{1}, SiteId{5}}, {Bytes{1, 2}, Bytes{}, Bytes{3}}}; }
KeysBody Keys() { return {All(1), All(2), All(3), All(4)}; }
MaskedBody Masked() { return {1234, All(1), {SiteId{3}}}; }
UnmaskBody Unmask() { return {{{SiteId{1}, All(1)}, {SiteId{2}, All(2)}}, {{SiteId{9}, All(3)}}}; }
CommitBody Commit() { return {Link(1), {SiteId{1}, SiteId{2}, SiteId{4}}}; }

// Each body with a way to take bytes of its kind and encode them again.
struct Kind {
  const char* name;
  Bytes sample;
  Result<Bytes> (*again)(ByteView);
};
template <typename Body>
Kind KindOf(const char* name, const Body& sample) {
  return {name, sample.Encode(), [](ByteView bytes) -> Result<Bytes> {
            ASSIGN_OR_RETURN(const Body body, Body::Decode(bytes));
            return body.Encode();
          }};
}
std::vector<Kind> Kinds() {
  HelloBody decline;
  decline.declines = true;
  decline.reason = "too few patients";
  return {KindOf("RoundOpen", RoundOpen()), KindOf("Hello", Hello()),  KindOf("decline", decline),
          KindOf("PhaseOpen", PhaseOpen()), KindOf("Keys", Keys()),    KindOf("Masked", Masked()),
          KindOf("Unmask", Unmask()),       KindOf("Commit", Commit())};
}

TEST(RoundBodies, WhatWasWrittenIsReadBack) {
  for (const Kind& kind : Kinds()) {
    const auto again = kind.again(kind.sample);
    ASSERT_TRUE(again.ok()) << kind.name << ": " << again.error().message;
    EXPECT_EQ(*again, kind.sample) << kind.name;
  }
  EXPECT_EQ(HelloBody::Decode(Hello().Encode())->blocks, Hello().blocks);
  EXPECT_EQ(RoundOpenBody::Decode(RoundOpen().Encode())->links, RoundOpen().links);
  EXPECT_EQ(RoundOpenBody::Decode(RoundOpen().Encode())->round, (RoundId{7, 2}));
  EXPECT_EQ(CommitBody::Decode(Commit().Encode())->included, Commit().included);
}

TEST(RoundBodies, AreTheBytesOfTheProtocol) {
  EXPECT_EQ(Keys().Encode().size(), 128u);
  EXPECT_EQ(ToHex(PhaseOpen().Encode()),
            "020000000100000005000000"
            "03000000"
            "020000000102"
            "00000000"
            "0100000003");
  EXPECT_EQ(ToHex(Masked().Encode()), "d204000000000000" + ToHex(All(1)) +
                                          "01000000"
                                          "03000000");
  EXPECT_EQ(ToHex(Hello().Encode()),
            "00"
            "00000000" +
                ToHex(All(1)) +
                "03000000"
                "010001" +
                ToHex(All(2)) + "01000000");
  EXPECT_EQ(ToHex(Unmask().Encode()),
            "02000000"
            "01000000" +
                ToHex(All(1)) + "02000000" + ToHex(All(2)) +
                "01000000"
                "09000000" +
                ToHex(All(3)));
  EXPECT_EQ(RoundOpen().Encode().size(), 8u + 4 + 4 + 4 + 1 + 4 * 32 + 4 + 2 * 168);
  EXPECT_EQ(ToHex(Link(1).SignedPart()), "0100000000000000" + ToHex(All(1)) + ToHex(All(2)) + ToHex(All(3)));
}

TEST(RoundBodies, AreRefusedAtEveryShorterLengthAndWithAByteMore) {
  for (const Kind& kind : Kinds()) {
    for (std::size_t size = 0; size < kind.sample.size(); ++size) {
      const auto again = kind.again(ByteView(kind.sample).first(size));
      ASSERT_FALSE(again.ok()) << kind.name << " of " << size;
      EXPECT_EQ(again.error().code, ErrorCode::kInvalidInput);
    }
    Bytes longer = kind.sample;
    longer.push_back(0);
    EXPECT_FALSE(kind.again(longer).ok()) << kind.name;
  }
}

TEST(RoundBodies, ACountIsNotBelieved) {
  const Bytes huge = ByteWriter().U32(0xffffffff).Take();
  EXPECT_FALSE(PhaseOpenBody::Decode(huge).ok());
  EXPECT_FALSE(UnmaskBody::Decode(huge).ok());
  EXPECT_FALSE(PhaseOpenBody::Decode(ByteWriter().U32(0).U32(0xffffffff).Take()).ok());
  EXPECT_FALSE(MaskedBody::Decode(ByteWriter().U64(0).Raw(All(0)).U32(0xffffffff).U32(1).Take()).ok());
  EXPECT_FALSE(HelloBody::Decode(ByteWriter().U8(0).U32(0).Raw(All(0)).U32(0xffffffff).U8(1).Take()).ok());
  Bytes links = RoundOpen().Encode();
  links[149] = 3;  // the count of links
  EXPECT_FALSE(RoundOpenBody::Decode(links).ok());
}

TEST(RoundBodies, HaveOneEncoding) {
  const auto sites = [](std::vector<SiteId> ids) { return PhaseOpenBody{std::move(ids), {}}.Encode(); };
  EXPECT_TRUE(PhaseOpenBody::Decode(sites({SiteId{1}, SiteId{2}})).ok());
  EXPECT_FALSE(PhaseOpenBody::Decode(sites({SiteId{2}, SiteId{1}})).ok());
  EXPECT_FALSE(PhaseOpenBody::Decode(sites({SiteId{1}, SiteId{1}})).ok());
  UnmaskBody twice = Unmask();
  twice.self_seeds[1].owner = twice.self_seeds[0].owner;
  EXPECT_FALSE(UnmaskBody::Decode(twice.Encode()).ok());
  Bytes hello = Hello().Encode();
  hello[0] = 2;
  EXPECT_FALSE(HelloBody::Decode(hello).ok());
  Bytes open = RoundOpen().Encode();
  open[20] = 2;
  EXPECT_FALSE(RoundOpenBody::Decode(open).ok());
}

RC_GTEST_PROP(RoundBodies, AnyBytesAreRefusedOrReadAsTheyAre, (const std::vector<std::uint8_t>& bytes)) {
  for (const Kind& kind : Kinds()) {
    const auto again = kind.again(bytes);
    if (again.ok()) RC_ASSERT(*again == bytes);
  }
}

RC_GTEST_PROP(RoundBodies, ABrokenBodyIsRefusedOrReadAsItIs, ()) {
  static const std::vector<Kind> kinds = Kinds();
  const Kind& kind = kinds[*rc::gen::inRange<std::size_t>(0, kinds.size())];
  Bytes bytes = kind.sample;
  for (int change = *rc::gen::inRange(1, 5); change > 0; --change)
    bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
  const auto again = kind.again(bytes);
  if (again.ok()) RC_ASSERT(*again == bytes);
}

}  // namespace
}  // namespace fedtrial
