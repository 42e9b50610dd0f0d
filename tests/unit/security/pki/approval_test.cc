#include "security/pki/approval.h"

#include <gtest/gtest.h>

#include "security/crypto/sha256.h"
#include "security/crypto/system_random.h"

namespace fedtrial {
namespace {

class Approvals : public testing::Test {
 protected:
  SystemRandom random_;
  const SigningKey key_ = SigningKey::Generate(random_);
  const Digest plan_ = Sha256(AsBytes("plan"));
  const Approval approval_ =
      SignApproval(key_, {plan_, "Dr. A. Weber", "2026-11-24T10:00:00Z", "I have read this plan", {}});
};

TEST_F(Approvals, HoldAndReadBack) {
  const Approval read = Approval::Decode(approval_.Encode()).value();
  EXPECT_EQ(read, approval_);
  EXPECT_TRUE(CheckApproval(key_.PublicKey(), read).ok());
}

TEST_F(Approvals, EveryChangedByteIsRefused) {
  Bytes bytes = approval_.Encode();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 1;
    const auto read = Approval::Decode(bytes);
    EXPECT_FALSE(read.ok() && CheckApproval(key_.PublicKey(), *read).ok()) << i;
    bytes[i] ^= 1;
    EXPECT_FALSE(Approval::Decode(ByteView(bytes).first(i)).ok());
  }
  EXPECT_EQ(CheckApproval(SigningKey::Generate(random_).PublicKey(), approval_).error().code, ErrorCode::kIntegrity);
}

TEST_F(Approvals, WithoutANameOrWithEndlessTextAreRefused) {
  const auto refused = [&](std::string name, std::string meaning) {
    EXPECT_EQ(Approval::Decode(Approval{plan_, name, "t", meaning, {}}.Encode()).error().code,
              ErrorCode::kInvalidInput);
  };
  refused("", "m");
  refused(std::string(201, 'a'), "m");
  refused("a", std::string(2001, 'm'));
}

TEST_F(Approvals, ThePlansSignatureIsTheConsortiumsOverItsHash) {
  const Signature signature = SignPlan(key_, plan_);
  EXPECT_TRUE(VerifyPlan(key_.PublicKey(), plan_, signature));
  EXPECT_TRUE(VerifyLabelled(key_.PublicKey(), kPlanLabel, plan_, signature));
  EXPECT_FALSE(VerifyPlan(key_.PublicKey(), Sha256(AsBytes("other")), signature));
  EXPECT_FALSE(VerifyPlan(key_.PublicKey(), plan_, ByteView(signature).first(63)));
  EXPECT_FALSE(VerifyPlan(key_.PublicKey(), plan_, approval_.signature));
}

}  // namespace
}  // namespace fedtrial
