#include "security/audit/chain.h"

#include <fmt/format.h>

#include "security/crypto/sha256.h"
#include "security/crypto/system_random.h"
#include "tests/unit/security/vectors.h"

namespace fedtrial {
namespace {

struct Log {
  std::vector<std::string> lines;
  std::vector<AuditHead> heads;  // after each line

  std::vector<AuditHead> Anchor() const { return {heads.back()}; }
};

Log MakeLog(std::size_t events) {
  Log log;
  AuditChain chain;
  for (std::size_t i = 0; i < events; ++i) {
    log.lines.push_back(chain.Append({fmt::format("2026-11-24T10:{:02}:00Z", i % 60), "site-7", "released", "TRIAL-01",
                                      i, Sha256(AsBytes(std::to_string(i)))}));
    log.heads.push_back(chain.head());
  }
  return log;
}

// "line 17", or "ok".
std::string Verdict(const std::vector<std::string>& lines, std::span<const AuditHead> anchors = {}) {
  const auto head = VerifyChain(lines, anchors);
  if (head.ok()) return "ok";
  EXPECT_EQ(head.error().code, ErrorCode::kIntegrity);
  return head.error().message.substr(0, head.error().message.find(':'));
}

TEST(AuditChain, WritesTheLinesAndHashesOfTheVectors) {
  const auto list = Vectors("secagg_bindings.json", "audit");
  AuditChain chain;
  std::vector<std::string> lines;
  for (const auto& c : list) {
    const auto json = nlohmann::json::parse(c["line"].get<std::string>());
    lines.push_back(chain.Append({json["time"], json["actor"], json["action"], json["trial"],
                                  json["round"].get<std::uint64_t>(), HexArray(json["detail_hash"])}));
    EXPECT_EQ(lines.back(), c["line"]);
    EXPECT_EQ(ToHex(chain.head().hash), c["hash"]);
  }
  EXPECT_EQ(VerifyChain(lines).value(), chain.head());
  EXPECT_EQ(chain.head().seq, 5u);
}

TEST(AuditChain, GoesOnFromAHeadAfterARestart) {
  const Log log = MakeLog(10);
  AuditChain chain(log.heads[5]);
  const auto line = ReadAuditLine(log.lines[6]).value();
  EXPECT_EQ(line.seq, 7u);
  EXPECT_EQ(chain.Append(line.event), log.lines[6]);
}

TEST(AuditChain, WritesCanonicalJsonOfAnyText) {
  AuditChain chain;
  const std::string line = chain.Append({"t", "Müller \"x\" \\ /", "tab\there\x01", "bad \xff byte", 0, {}});
  EXPECT_NE(line.find(R"("actor":"Müller \"x\" \\ /")"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("action":"tab\there\u0001")"), std::string::npos) << line;
  EXPECT_NE(line.find("\xef\xbf\xbd"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(VerifyChain(std::vector{line}).value(), chain.head());
}

TEST(AuditLine, AnythingButACanonicalRecordIsRefused) {
  const std::string line = MakeLog(1).lines[0];
  ASSERT_TRUE(ReadAuditLine(line).ok());
  const auto refused = [&](std::string_view from, std::string_view to) {
    std::string changed = line;
    const auto at = changed.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    EXPECT_FALSE(ReadAuditLine(changed.replace(at, from.size(), to)).ok()) << changed;
  };
  refused("{", "[");
  refused("{", "{ ");
  refused("\"seq\":1", "\"seq\":1.0");
  refused("\"seq\":1", "\"seq\":-1");
  refused("\"seq\":1", "\"seq\":\"1\"");
  refused("\"seq\":1", "\"seq\":1,\"seq\":1");
  refused("\"seq\":1", "\"more\":1,\"seq\":1");
  refused("\"round\":0,", "");
  refused("\"round\":0", "\"round\":9007199254740992");
  refused("\"action\":\"released\"", "\"action\":7");
  refused("\"detail_hash\":\"5", "\"detail_hash\":\"x");
  refused("released", "r\\u0065leased");
  refused("00000", "0000");
  EXPECT_FALSE(ReadAuditLine("").ok());
  EXPECT_FALSE(ReadAuditLine("null").ok());
  EXPECT_FALSE(ReadAuditLine(line + "\n").ok());
  EXPECT_FALSE(ReadAuditLine(std::string(100'000, '[')).ok());
}

TEST(VerifyChain, NamesTheLineOfEveryChangedByte) {
  const Log log = MakeLog(6);
  for (std::size_t i = 0; i < log.lines.size(); ++i) {
    for (std::size_t at = 0; at < log.lines[i].size(); ++at) {
      auto lines = log.lines;
      lines[i][at] = static_cast<char>(lines[i][at] ^ 1);
      EXPECT_EQ(Verdict(lines, log.Anchor()), fmt::format("line {}", i + 1)) << lines[i];
    }
  }
}

TEST(VerifyChain, NamesTheLineOfAnEditThatStaysCanonical) {
  const Log log = MakeLog(6);
  for (std::size_t i = 0; i < log.lines.size(); ++i) {
    auto lines = log.lines;
    lines[i].replace(lines[i].find("released"), 8, "refused");
    EXPECT_EQ(Verdict(lines, log.Anchor()), fmt::format("line {}", i + 1));
    auto linked = log.lines;
    const auto prev = linked[i].find("\"prev\":\"") + 8;
    linked[i][prev] = linked[i][prev] == 'a' ? 'b' : 'a';
    EXPECT_EQ(Verdict(linked, log.Anchor()), fmt::format("line {}", i + 1));
  }
}

TEST(VerifyChain, NamesTheFirstLineThatWasRemovedPutInMovedOrCut) {
  const Log log = MakeLog(1000);
  EXPECT_EQ(Verdict(log.lines, log.Anchor()), "ok");
  for (std::size_t i = 0; i < log.lines.size(); i += 97) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    auto lines = log.lines;
    lines[i].replace(lines[i].find("site-7"), 6, "site-8");
    EXPECT_EQ(Verdict(lines, log.Anchor()), fmt::format("line {}", i + 1));
    lines = log.lines;
    lines.erase(lines.begin() + at);
    EXPECT_EQ(Verdict(lines, log.Anchor()), fmt::format("line {}", i + 1));
    lines = log.lines;
    lines.insert(lines.begin() + at, log.lines[i]);
    EXPECT_EQ(Verdict(lines, log.Anchor()), fmt::format("line {}", i + 2));
    lines = log.lines;
    std::swap(lines[i], lines[(i + 500) % 1000]);
    EXPECT_EQ(Verdict(lines, log.Anchor()), fmt::format("line {}", std::min(i, (i + 500) % 1000) + 1));
    lines = log.lines;
    lines.resize(i);
    EXPECT_EQ(Verdict(lines, log.Anchor()), fmt::format("line {}", i + 1));
    EXPECT_EQ(Verdict(lines), "ok");  // a cut can't be seen without a head from outside
  }
}

TEST(VerifyChain, ALogRewrittenWholeIsCaughtByTheFirstCountersignedHeadItMisses) {
  const Log log = MakeLog(20);
  std::vector<std::string> forged(log.lines.begin(), log.lines.begin() + 9);
  AuditChain chain(log.heads[8]);
  for (std::size_t i = 9; i < 20; ++i) {
    auto event = ReadAuditLine(log.lines[i])->event;
    if (i == 9) event.action = "nothing happened";
    forged.push_back(chain.Append(event));
  }
  EXPECT_EQ(Verdict(forged), "ok");
  const std::vector<AuditHead> anchors = {log.heads[19], log.heads[4], log.heads[12]};
  EXPECT_EQ(Verdict(log.lines, anchors), "ok");
  EXPECT_EQ(Verdict(forged, anchors), "line 13");
}

TEST(VerifyChain, ABrokenLastLinkWithoutAHeadBlamesTheLineBefore) {
  auto lines = MakeLog(3).lines;
  lines[1].replace(lines[1].find("released"), 8, "refused");
  EXPECT_EQ(Verdict(lines), "line 2");
}

TEST(VerifyChain, OfAnEmptyLogIsTheStart) {
  EXPECT_EQ(VerifyChain({}).value(), AuditHead{});
  EXPECT_EQ(Verdict({}, std::vector{AuditHead{}}), "ok");
  EXPECT_EQ(Verdict({}, MakeLog(1).Anchor()), "line 1");
}

class Heads : public testing::Test {
 protected:
  SystemRandom random_;
  const SigningKey owner_ = SigningKey::Generate(random_);
  const SigningKey witness_ = SigningKey::Generate(random_);
  const SignedHead head_ = SignHead(owner_, MakeLog(3).heads.back(), "2026-11-24T10:00:00Z");
  const Signature countersignature_ = CountersignHead(witness_, head_);
};

TEST_F(Heads, AreSignedOverNumberHashAndTime) {
  const Bytes bytes = ByteWriter().U64(3).Raw(head_.head.hash).Enc(head_.time).Take();
  EXPECT_TRUE(VerifyLabelled(owner_.PublicKey(), kAuditHeadLabel, bytes, head_.signature));
  EXPECT_TRUE(VerifyHead(owner_.PublicKey(), head_));
  EXPECT_TRUE(VerifyCountersignature(witness_.PublicKey(), head_, countersignature_));
}

TEST_F(Heads, EveryChangeIsRefused) {
  const auto refused = [&](const auto& change) {
    SignedHead head = head_;
    change(head);
    EXPECT_FALSE(VerifyHead(owner_.PublicKey(), head));
    EXPECT_FALSE(VerifyCountersignature(witness_.PublicKey(), head, countersignature_));
  };
  refused([](SignedHead& h) { ++h.head.seq; });
  for (std::size_t i = 0; i < 32; ++i) refused([&](SignedHead& h) { h.head.hash[i] ^= 1; });
  for (std::size_t i = 0; i < 64; ++i) refused([&](SignedHead& h) { h.signature[i] ^= 1; });
  for (std::size_t i = 0; i < head_.time.size(); ++i)
    refused([&](SignedHead& h) { h.time[i] = static_cast<char>(h.time[i] ^ 1); });
}

TEST_F(Heads, ACountersignatureIsNoHeadOfTheWitness) {
  SignedHead own = head_;
  own.signature = countersignature_;
  EXPECT_FALSE(VerifyHead(witness_.PublicKey(), own));
  EXPECT_FALSE(VerifyCountersignature(owner_.PublicKey(), head_, countersignature_));
  EXPECT_FALSE(VerifyCountersignature(witness_.PublicKey(), head_, head_.signature));
}

TEST_F(Heads, ALaterHeadIsTakenAnEarlierOrOtherOneIsRefused) {
  const Log log = MakeLog(5);
  EXPECT_TRUE(CheckNextHead(log.heads[2], log.heads[4]).ok());
  EXPECT_TRUE(CheckNextHead(log.heads[2], log.heads[2]).ok());
  EXPECT_EQ(CheckNextHead(log.heads[4], log.heads[2]).error().code, ErrorCode::kIntegrity);
  AuditHead other = log.heads[4];
  other.hash[0] ^= 1;
  EXPECT_EQ(CheckNextHead(log.heads[4], other).error().code, ErrorCode::kIntegrity);
}

}  // namespace
}  // namespace fedtrial
