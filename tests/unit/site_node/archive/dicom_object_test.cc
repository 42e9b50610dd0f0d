#include "site_node/archive/dicom_object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "site_node/archive/status_text.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;

constexpr const char* kExplicit = "1.2.840.10008.1.2.1";

// One element of explicit VR, little-endian; its length is even.
void Put(Bytes& data, std::uint32_t tag, const char* vr, const std::string& value) {
  for (const std::uint32_t part : {tag >> 16, tag & 0xffff}) {
    data.push_back(static_cast<std::uint8_t>(part & 0xff));
    data.push_back(static_cast<std::uint8_t>(part >> 8));
  }
  data.insert(data.end(), vr, vr + 2);
  data.push_back(static_cast<std::uint8_t>(value.size() & 0xff));
  data.push_back(static_cast<std::uint8_t>(value.size() >> 8));
  data.insert(data.end(), value.begin(), value.end());
}

TEST(Uid, IsDigitsAndDotsOfSixtyFourAtMost) {
  for (const char* uid : {"1", "1.2.840.10008.5.1.4.1.1.4", "1.02.3"}) EXPECT_TRUE(IsUid(uid)) << uid;
  EXPECT_TRUE(IsUid(std::string(64, '1')));
  EXPECT_FALSE(IsUid(std::string(65, '1')));
  for (const char* other : {"", ".", "1.", ".1", "1..2", "1.2/3", "../1", "1.a", "1.2 ", "*"})
    EXPECT_FALSE(IsUid(other)) << other;
}

TEST(DicomObject, TextsAreReadWithoutTheirFilling) {
  Bytes data;
  Put(data, kSopInstance, "UI", std::string("1.2.3\0", 6));
  Put(data, kModality, "CS", "MR");
  Put(data, kPatientId, "LO", " A 17 ");
  const auto texts = ReadTexts(data, kExplicit, {kSopInstance, kModality, kPatientId, kSeriesUid});
  ASSERT_TRUE(texts.ok()) << texts.error().message;
  EXPECT_EQ(texts->at(kSopInstance), "1.2.3");
  EXPECT_EQ(texts->at(kModality), "MR");
  EXPECT_EQ(texts->at(kPatientId), "A 17");
  EXPECT_EQ(texts->at(kSeriesUid), "");
}

TEST(DicomObject, ADataSetThatIsCutOrOfNoSyntaxIsRefused) {
  Bytes data;
  Put(data, kSopInstance, "UI", "1.2.34");
  Put(data, kPatientId, "LO", "A 1700");
  data.resize(data.size() - 3);
  EXPECT_FALSE(ReadTexts(data, kExplicit, {kPatientId}).ok());
  EXPECT_FALSE(ReadTexts(data, "1.2.3", {kPatientId}).ok());
  EXPECT_EQ(ReadTexts({}, kExplicit, {kPatientId})->at(kPatientId), "");
}

TEST(DicomObject, AFileBeginsAsTheStandardWants) {
  const auto head = FileHead("1.2.840.10008.5.1.4.1.1.4", "1.2.3", kExplicit);
  ASSERT_TRUE(head.ok()) << head.error().message;
  ASSERT_GT(head->size(), 144u);
  EXPECT_EQ(std::count(head->begin(), head->begin() + 128, 0), 128);
  EXPECT_EQ(std::string(head->begin() + 128, head->begin() + 132), "DICM");
  // (0002,0000) UL: how many bytes of the group follow it.
  const std::size_t length = (*head)[140] + 256u * (*head)[141];
  EXPECT_EQ(144 + length, head->size());
}

TEST(DimseStatus, IsSaidInWordsWithItsNumber) {
  EXPECT_THAT(StatusText(0x0124), HasSubstr("doesn't permit us"));
  EXPECT_THAT(StatusText(0x0124), HasSubstr("(status 0124)"));
  EXPECT_THAT(StatusText(0xc311), HasSubstr("couldn't process"));
  EXPECT_THAT(StatusText(0xa7ff), HasSubstr("out of resources"));
  EXPECT_THAT(StatusText(0x1234), HasSubstr("(status 1234)"));
  EXPECT_TRUE(IsPending(0xff00) && IsPending(0xff01));
  EXPECT_FALSE(IsPending(0x0000));
}

}  // namespace
}  // namespace fedtrial::site
