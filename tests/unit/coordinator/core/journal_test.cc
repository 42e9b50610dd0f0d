#include "coordinator/core/journal.h"

#include <gtest/gtest.h>

#include "security/crypto/seeded_random.h"

namespace fedtrial::coordinator {
namespace {

Digest Filled(std::uint8_t byte) {
  Digest digest;
  digest.fill(byte);
  return digest;
}

std::vector<Input> OneOfEach() {
  Envelope envelope;
  envelope.ctx = Filled(1);
  envelope.phase = 3;
  envelope.sender = SiteId{4};
  envelope.sequence = 9;
  envelope.body = {1, 2, 3};
  ModelHeader header{{{"risk/beta", {2, 3}, ScalarType::kFloat32}, {"x/y", {}, ScalarType::kFloat64}},
                     {{"round", "7"}}};
  return {EnvelopeReceived{envelope},
          UploadStored{SiteId{2}, {5, 1}, Filled(2), 1u << 20},
          StepFinished{{5, 1}, Filled(3), header, true, "{\"loss\":1}"},
          StepFailed{{5, 1}, "the disk is full"},
          DeadlinePassed{77},
          PauseTrial{"meeting"},
          ResumeTrial{},
          CloseTrial{"done"},
          RosterPublished{{9, 9}},
          SiteRevoked{{8}}};
}

TEST(CoordinatorJournal, EveryInputComesBackAsItWas) {
  for (const Input& input : OneOfEach()) {
    const Bytes bytes = EncodeInput(input);
    const auto back = DecodeInput(bytes);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back->index(), input.index());
    EXPECT_EQ(EncodeInput(*back), bytes);
  }
}

TEST(CoordinatorJournal, ACutOrLengthenedRecordIsRefused) {
  for (const Input& input : OneOfEach()) {
    Bytes bytes = EncodeInput(input);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(DecodeInput(ByteView(bytes).first(size)).ok()) << input.index() << " cut to " << size;
    bytes.push_back(0);
    EXPECT_FALSE(DecodeInput(bytes).ok());
  }
}

TEST(CoordinatorJournal, AnyBytesAreAnInputOrAnError) {
  SeededRandom random(std::uint64_t{4});
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes(UniformBelow(200, random));
    random.Fill(bytes);
    if (!bytes.empty()) bytes[0] = static_cast<std::uint8_t>(UniformBelow(12, random));
    const auto input = DecodeInput(bytes);
    EXPECT_TRUE(!input.ok() || DecodeInput(EncodeInput(*input)).ok());
  }
}

TEST(CoordinatorJournal, ARoundsRecordComesBackAsItWas) {
  RoundRecord record;
  record.id = {7, 2};
  record.task = {"train", {2, 5, true}, 7, 99};
  record.committed = true;
  record.failure = "no";
  record.sites[SiteId{3}] = {SiteOutcome::kRefused, "below the minimum"};
  record.included = {SiteId{1}, SiteId{2}};
  record.result = "{}";
  record.model = Filled(4);
  ByteWriter writer;
  WriteRecord(writer, record);
  ByteReader reader(writer.bytes());
  const RoundRecord back = ReadRecord(reader);
  EXPECT_TRUE(reader.Finish("record").ok());
  EXPECT_EQ(back.id, record.id);
  EXPECT_EQ(back.task.position, record.task.position);
  EXPECT_EQ(back.task.kind, "train");
  EXPECT_EQ(back.sites.at(SiteId{3}).outcome, SiteOutcome::kRefused);
  EXPECT_EQ(back.sites.at(SiteId{3}).reason, "below the minimum");
  EXPECT_EQ(back.included, record.included);
  EXPECT_EQ(back.model, record.model);
}

}  // namespace
}  // namespace fedtrial::coordinator
