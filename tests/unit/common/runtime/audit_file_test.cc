#include "common/runtime/audit_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/runtime/clock.h"
#include "security/crypto/seeded_random.h"
#include "tests/unit/common/runtime/test_folder.h"

namespace fedtrial {
namespace {

using testing::HasSubstr;

class AuditLog : public testing::Test {
 protected:
  std::unique_ptr<AuditFile> Open() {
    auto audit = AuditFile::Open(folder_.path(), "site-7", "t1");
    if (audit.ok()) return std::move(audit).value();
    ADD_FAILURE() << audit.error().message;
    return nullptr;
  }
  void AppendSome(AuditFile& audit, int events) {
    for (int i = 0; i < events; ++i) ASSERT_TRUE(audit.Append("contributed", 3, Digest{1}).ok());
  }
  // The file with a change; what verify-audit says to it.
  Status VerifyChanged(const std::string& text) {
    Overwrite(folder_ / "audit.jsonl", AsBytes(text));
    const auto report = VerifyAuditFile(folder_.path(), keys_);
    if (report.ok()) return {};
    return report.error();
  }

  TestFolder folder_;
  SeededRandom random_{std::uint64_t{5}};
  SigningKey owner_ = SigningKey::Generate(random_);
  SigningKey witness_ = SigningKey::Generate(random_);
  AuditKeys keys_{owner_.PublicKey(), {{kCoordinatorId, witness_.PublicKey()}}, {}};
};

TEST_F(AuditLog, GoesOnAfterAReopenAndVerifies) {
  auto audit = Open();
  AppendSome(*audit, 3);
  audit = Open();
  EXPECT_EQ(audit->head().seq, 3u);
  AppendSome(*audit, 2);
  const auto report = VerifyAuditFile(folder_.path(), keys_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->head, audit->head());
  EXPECT_EQ(report->head.seq, 5u);
  EXPECT_EQ(report->signed_up_to, 0u);
}

TEST_F(AuditLog, EveryChangedByteIsFoundAndItsLineNamed) {
  const auto audit = Open();
  AppendSome(*audit, 3);
  ASSERT_TRUE(audit->Sign(owner_).ok());
  const std::string text = ReadText(folder_ / "audit.jsonl");
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = changed[at] == '0' ? '1' : '0';
    const Status found = VerifyChanged(changed);
    ASSERT_FALSE(found.ok()) << at;
    EXPECT_EQ(found.error().code, ErrorCode::kIntegrity);
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    // A line's own change shows there, or in the next one's link to it.
    EXPECT_THAT(found.error().message, testing::AnyOf(HasSubstr("line " + std::to_string(line)),
                                                      HasSubstr("line " + std::to_string(line + 1))))
        << at;
  }
  EXPECT_TRUE(VerifyChanged(text).ok());
}

TEST_F(AuditLog, RemovedSwappedAndCutLinesAreFound) {
  const auto audit = Open();
  AppendSome(*audit, 4);
  ASSERT_TRUE(audit->Sign(owner_).ok());
  const std::string text = ReadText(folder_ / "audit.jsonl");
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size(); start = text.find('\n', start) + 1)
    lines.push_back(text.substr(start, text.find('\n', start) + 1 - start));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(VerifyChanged(lines[0] + lines[2] + lines[3]).error().message, HasSubstr("line 2"));
  EXPECT_THAT(VerifyChanged(lines[1] + lines[0] + lines[2] + lines[3]).error().message, HasSubstr("line 1"));
  EXPECT_FALSE(VerifyChanged(lines[0] + lines[1] + lines[2]).ok());  // its signed head reaches further
  EXPECT_FALSE(VerifyChanged(lines[0] + lines[1] + lines[2] + lines[3].substr(0, 20)).ok());
  EXPECT_FALSE(VerifyChanged("").ok());
  EXPECT_FALSE(AuditFile::Open(folder_.path(), "site-7", "t1").ok());  // nor does the daemon go on from it
}

TEST_F(AuditLog, AHeadKeptElsewhereShowsACutWhereTheOwnHeadsAreGoneToo) {
  const auto audit = Open();
  AppendSome(*audit, 2);
  const std::string shorter = ReadText(folder_ / "audit.jsonl");
  AppendSome(*audit, 1);
  EXPECT_TRUE(VerifyChanged(shorter).ok());
  keys_.anchors.push_back(audit->head());
  EXPECT_FALSE(VerifyChanged(shorter).ok());
}

TEST_F(AuditLog, AnUnfinishedLineOfACrashIsTakenOffOnOpening) {
  AppendSome(*Open(), 2);
  const std::string text = ReadText(folder_ / "audit.jsonl");
  ASSERT_TRUE(WriteWholeFile(folder_ / "audit.jsonl", AsBytes(text + "{\"act")).ok());
  EXPECT_THAT(VerifyAuditFile(folder_.path(), keys_).error().message, HasSubstr("line 3 is cut short"));
  const auto audit = Open();
  EXPECT_EQ(ReadText(folder_ / "audit.jsonl"), text);
  AppendSome(*audit, 1);
  EXPECT_EQ(VerifyAuditFile(folder_.path(), keys_)->head.seq, 3u);
}

TEST_F(AuditLog, OnAFullDiskNothingIsAddedAndItGoesOnLater) {
  const auto audit = Open();
  AppendSome(*audit, 2);
  const std::string text = ReadText(folder_ / "audit.jsonl");
  Status full;
  {
    const FullDisk disk(text.size() + 20);
    full = audit->Append("contributed", 3, {});
  }
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(ReadText(folder_ / "audit.jsonl"), text);
  AppendSome(*audit, 1);
  EXPECT_EQ(VerifyAuditFile(folder_.path(), keys_)->head.seq, 3u);
}

TEST_F(AuditLog, HeadsAreSignedCountersignedAndChecked) {
  auto audit = Open();
  AppendSome(*audit, 2);
  EXPECT_FALSE(audit->HeadDue());
  const SignedHead head = audit->Sign(owner_).value();
  ASSERT_TRUE(audit->Countersigned(head, kCoordinatorId, CountersignHead(witness_, head)).ok());
  AppendSome(*audit, 1);
  auto report = VerifyAuditFile(folder_.path(), keys_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->signed_up_to, 2u);
  EXPECT_EQ(report->countersigned_up_to, 2u);
  EXPECT_EQ(report->head.seq, 3u);
  audit = Open();
  EXPECT_EQ(audit->last_signed(), head);

  keys_.witnesses[kCoordinatorId] = owner_.PublicKey();
  EXPECT_THAT(VerifyAuditFile(folder_.path(), keys_).error().message,
              HasSubstr("line 2: the countersignature of coordinator does not hold"));
  keys_.owner = witness_.PublicKey();
  EXPECT_THAT(VerifyAuditFile(folder_.path(), keys_).error().message, HasSubstr("line 1: its signature does not hold"));
  const std::string heads = ReadText(folder_ / "audit-heads.jsonl");
  ASSERT_TRUE(WriteWholeFile(folder_ / "audit-heads.jsonl", AsBytes(heads + "[]\n")).ok());
  EXPECT_THAT(AuditFile::Open(folder_.path(), "site-7", "t1").error().message, HasSubstr("line 3 is no signed head"));
}

TEST_F(AuditLog, AHeadIsDueAfterManyEvents) {
  AuditChain chain;  // straight into the file: appending syncs each line
  std::string text;
  for (std::uint64_t i = 1; i < kEventsPerHead; ++i)
    text += chain.Append({Rfc3339Now(), "site-7", "a", "t1", 1, {}}) + "\n";
  Overwrite(folder_ / "audit.jsonl", AsBytes(text));
  const auto audit = Open();
  EXPECT_FALSE(audit->HeadDue());
  AppendSome(*audit, 1);
  EXPECT_TRUE(audit->HeadDue());
  ASSERT_TRUE(audit->Sign(owner_).ok());
  EXPECT_FALSE(audit->HeadDue());
}

TEST(Rfc3339Now, IsUtcWithMilliseconds) {
  EXPECT_THAT(Rfc3339Now(), testing::MatchesRegex("20..-[01].-[0-3].T[0-2].:[0-5].:[0-5].\\....Z"));
}

}  // namespace
}  // namespace fedtrial
