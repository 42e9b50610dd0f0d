#include "site_node/core/journal.h"

#include <gtest/gtest.h>

#include "security/crypto/seeded_random.h"
#include "site_node/core/memory.h"
#include "tests/doubles/toy.h"

namespace fedtrial::site {
namespace {

Digest Filled(std::uint8_t byte) {
  Digest digest;
  digest.fill(byte);
  return digest;
}

std::vector<Input> OneOfEach() {
  Envelope envelope;
  envelope.body = {1, 2, 3};
  CohortSummary cohort{20, 7, {{"risk", 20}, {"feature_kps", 3}}, Filled(4)};
  ModelHeader header{{{"risk/beta", {2}, ScalarType::kFloat32}}, {{"round", "7"}}};
  return {EnvelopeReceived{envelope},
          ModelReady{Filled(1), header},
          TaskFinished{{3, 1}, Filled(2), Filled(3), 17},
          TaskFailed{{3, 1}, "out of memory"},
          MaskedReady{{3, 1}, Filled(2), 800},
          UploadDone{{3, 1}},
          DeadlinePassed{7},
          PlanApproved{{1}, {2, 2}, {3, 3, 3}},
          PauseSite{"why"},
          ResumeSite{},
          RosterReceived{{5, 5}, true},
          RevocationsReceived{{6}},
          CohortRead{cohort},
          RevocationsChecked{"too old"}};
}

TEST(SiteJournal, EveryInputComesBackAsItWas) {
  for (const Input& input : OneOfEach()) {
    const Bytes bytes = EncodeInput(input);
    const auto back = DecodeInput(bytes);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back->index(), input.index());
    EXPECT_EQ(EncodeInput(*back), bytes);
  }
}

TEST(SiteJournal, ACutOrLengthenedRecordIsRefused) {
  for (const Input& input : OneOfEach()) {
    Bytes bytes = EncodeInput(input);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(DecodeInput(ByteView(bytes).first(size)).ok()) << input.index() << " cut to " << size;
    bytes.push_back(0);
    EXPECT_FALSE(DecodeInput(bytes).ok());
  }
}

TEST(SiteJournal, AnyBytesAreAnInputOrAnError) {
  SeededRandom random(std::uint64_t{5});
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes(UniformBelow(200, random));
    random.Fill(bytes);
    if (!bytes.empty()) bytes[0] = static_cast<std::uint8_t>(UniformBelow(15, random));
    const auto input = DecodeInput(bytes);
    EXPECT_TRUE(!input.ok() || DecodeInput(EncodeInput(*input)).ok());
  }
}

TEST(SiteMemory, ASnapshotComesBackAsItWas) {
  Memory memory;
  EXPECT_EQ(Memory::Decode(memory.Encode()).value().Encode(), memory.Encode());
  const std::string plan = doubles::ToyPlan{}.Text();
  memory.plan_bytes = ToBytes(AsBytes(plan));
  memory.plan = ParsePlan(plan, "plan.toml").value();
  memory.hospital = {true, "night", doubles::ToyCohort(SiteId{2})};
  memory.highest = RoundId{4, 2};
  memory.open_round = OpenRound{4, Filled(1), Filled(2), Filled(3), Filled(4), 2};
  memory.chain = ChainEnd{{3, Filled(5), Filled(6), Filled(7), {}}, 3};
  memory.model.emplace(Filled(5), ModelHeader{{{"risk/beta", {2}, ScalarType::kFloat64}}, {}});
  memory.revocations = RevocationList{"toy", 3, 9, {SiteId{8}}, {}};
  memory.ledger.Release(3, {1, 0, false}, Filled(8), {SiteId{1}, SiteId{2}, SiteId{3}});
  memory.rounds_contributed = 3;
  memory.timer = 12;
  memory.last_reason = "why";
  const auto back = Memory::Decode(memory.Encode());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->Encode(), memory.Encode());
  EXPECT_EQ(back->plan->hash, memory.plan->hash);
  EXPECT_EQ(back->ledger, memory.ledger);
  EXPECT_EQ(back->chain, memory.chain);
}

TEST(SiteMemory, ACutSnapshotIsRefused) {
  Memory memory;
  memory.highest = RoundId{4, 2};
  memory.last_reason = "why";
  const Bytes bytes = memory.Encode();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(Memory::Decode(ByteView(bytes).first(size)).ok());
}

}  // namespace
}  // namespace fedtrial::site
