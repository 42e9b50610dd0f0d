#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <thread>
#include <unistd.h>

#include "common/runtime/files.h"
#include "security/crypto/sha256.h"
#include "site_node/cache/visit_entry.h"
#include "site_node/shell/cache_key.h"
#include "site_node/shell/prepare_run.h"
#include "tests/support/text_files.h"

namespace fedtrial::site {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

VisitScans Visit(const std::string& subject, const std::string& session, std::optional<double> day,
                 bool contrast = true) {
  return {.subject = subject,
          .session = session,
          .day = day,
          .prepared = false,
          .may_have_contrast = contrast,
          .stamp = "first stamp"};
}

std::string Taken(PatientQueue& queue) {
  const auto turn = queue.Take();
  if (!turn) return "nothing";
  return turn->visit->session + (turn->refused.empty() ? " onto '" + turn->laid_onto + "'" : " refused");
}

TEST(PatientQueue, LaterVisitsWaitForTheFirstWithAContrastT1) {
  PatientQueue queue({Visit("sub-a", "ses-0", -9, /*contrast=*/false), Visit("sub-a", "ses-1", -4),
                      Visit("sub-a", "ses-2", 57), Visit("sub-a", "ses-3", 112, false)});
  EXPECT_EQ(Taken(queue), "ses-0 refused");
  const auto first = queue.Take();
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->makes_baseline);
  EXPECT_EQ(Taken(queue), "nothing");
  queue.Done(*first, "base");
  EXPECT_EQ(Taken(queue), "ses-2 onto 'base'");
  EXPECT_EQ(Taken(queue), "ses-3 onto 'base'");
  EXPECT_EQ(Taken(queue), "nothing");
}

TEST(PatientQueue, TheNextVisitIsTriedWhereOneMadeNoBaseline) {
  PatientQueue queue({Visit("sub-a", "ses-1", -4), Visit("sub-a", "ses-2", 57), Visit("sub-a", "ses-3", 112)});
  const auto first = queue.Take();
  queue.Done(*first, "");
  const auto second = queue.Take();
  EXPECT_TRUE(second->makes_baseline);
  queue.Done(*second, "later");
  EXPECT_EQ(Taken(queue), "ses-3 onto 'later'");
}

TEST(PatientQueue, WhatWasPreparedElsewhereWaitsForNobodyAndAVisitWithoutADayIsRefused) {
  VisitScans elsewhere = Visit("sub-a", "ses-2", 57);
  elsewhere.prepared = true;
  PatientQueue queue({Visit("sub-a", "ses-1", -4), elsewhere, Visit("sub-a", "ses-x", std::nullopt)});
  EXPECT_EQ(Taken(queue), "ses-1 onto ''");
  EXPECT_EQ(Taken(queue), "ses-2 onto ''");
  EXPECT_EQ(Taken(queue), "ses-x refused");
}

// Makes volumes of a number in place of a worker, and keeps what it was asked.
struct FakeChain {
  std::mutex mutex;
  std::vector<std::string> asked;            // "sub-a ses-1 onto '...'"
  std::map<std::string, std::string> fails;  // by "sub-a ses-1"
  std::map<std::string, Error> errors;
  std::string contents = "contents";
  std::atomic<int> in_work = 0, most_in_work = 0;
  bool waits_for_stop = false;
};

class FakeRunner : public VisitRunner {
 public:
  FakeRunner(FakeChain& chain, const VolumeCache& cache) : chain_(chain), cache_(cache) {}

  Result<v1::VisitPrepared> Prepare(const VisitScans& visit, const std::string& laid_onto,
                                    const std::string& known_key) override {
    const std::string name = visit.subject + " " + visit.session;
    chain_.most_in_work = std::max(chain_.most_in_work.load(), ++chain_.in_work);
    std::unique_lock lock(chain_.mutex);
    chain_.asked.push_back(name);
    while (chain_.waits_for_stop && !stopped_) {
      lock.unlock();
      std::this_thread::yield();
      lock.lock();
    }
    --chain_.in_work;
    if (stopped_) return Error{ErrorCode::kUnavailable, std::string(kStopped)};
    if (const auto error = chain_.errors.find(name); error != chain_.errors.end()) return error->second;
    v1::VisitPrepared prepared;
    if (const auto fails = chain_.fails.find(name); fails != chain_.fails.end()) {
      prepared.set_failed(fails->second);
      return prepared;
    }
    const Digest key = Sha256(AsBytes(name + laid_onto + chain_.contents));
    prepared.set_key(ToHex(key));
    prepared.set_unchanged(known_key == prepared.key());
    if (prepared.unchanged()) return prepared;
    v1::SeriesPrepared& series = *prepared.add_series();
    series.set_sequence(static_cast<std::uint32_t>(MriSequence::kFlair));
    series.set_volume(VolumeName(key, MriSequence::kFlair));
    RETURN_IF_ERROR(cache_.WriteVolume(series.volume(), Volume{{1, 1, 1}, {0.5F}, {}}));
    v1::SeriesPrepared& bad = *prepared.add_series();
    bad.set_reason("too few slices");
    if (laid_onto.empty()) {
      prepared.set_baseline(BaselineName(key));
      RETURN_IF_ERROR(cache_.WriteBaseline(prepared.baseline(), AsBytes("a baseline")));
    }
    prepared.set_report("{}");
    prepared.set_picture("PNG");
    return prepared;
  }
  void Stop() override { stopped_ = true; }

 private:
  FakeChain& chain_;
  const VolumeCache& cache_;
  std::atomic<bool> stopped_ = false;
};

class Prepare : public testing::Test {
 protected:
  Prepare() {
    std::filesystem::create_directories(paths_.cache());
    std::filesystem::permissions(paths_.folder, std::filesystem::perms(0700));
    std::filesystem::permissions(paths_.cache(), std::filesystem::perms(0700));
  }
  ~Prepare() override { std::filesystem::remove_all(paths_.folder); }

  Status Run(const std::vector<VisitScans>& visits, std::function<bool()> stopped = nullptr) {
    reports_.clear();
    chain_.asked.clear();
    return PrepareVisits(visits, cache_,
                         {.paths = paths_,
                          .rules = rules_,
                          .side_by_side = 3,
                          .make_runner = [this] { return std::make_unique<FakeRunner>(chain_, cache_); },
                          .stopped = std::move(stopped),
                          .tell = [this](const VisitReport& report) { reports_.push_back(report); }});
  }
  std::size_t Count(VisitReport::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(reports_, kind, &VisitReport::kind));
  }
  std::optional<VisitEntry> Entry(const VisitScans& visit) const {
    return ReadVisitEntry(paths_.cache(), visit.subject, visit.session);
  }
  std::filesystem::path Report(const VisitScans& visit) const {
    return paths_.prepared() / visit.subject / visit.session / "visit.json";
  }

  const StatePaths paths_{std::filesystem::temp_directory_path() / ("fedtrial-prepare-" + std::to_string(getpid()))};
  const VolumeCache cache_{paths_.cache(), SecretBytes<32>()};
  std::string rules_ = "rules";
  FakeChain chain_;
  std::vector<VisitReport> reports_;
  std::vector<VisitScans> visits_{Visit("sub-a", "ses-1", -4), Visit("sub-a", "ses-2", 57),
                                  Visit("sub-b", "ses-1", -1)};
};

TEST_F(Prepare, KeepsEveryVisitAndASecondRunDoesNothing) {
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_EQ(Count(VisitReport::Kind::kPrepared), 3u);
  EXPECT_LE(chain_.most_in_work, 3);
  const auto first = Entry(visits_[0]), second = Entry(visits_[1]);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->laid_onto, first->baseline);
  EXPECT_TRUE(second->baseline.empty());
  EXPECT_THAT(first->failed, ElementsAre("T1w: too few slices"));
  EXPECT_TRUE(cache_.CheckVolume(second->volumes.at(MriSequence::kFlair)).ok());
  EXPECT_EQ(ReadText(Report(visits_[0])), "{}");

  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_THAT(chain_.asked, IsEmpty());
  EXPECT_EQ(Count(VisitReport::Kind::kAlready), 3u);
}

TEST_F(Prepare, AVisitThatCannotBeUsedFailsAloneAndIsNotTriedAgain) {
  chain_.fails["sub-a ses-1"] = "the first visit has no contrast T1";
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_EQ(Count(VisitReport::Kind::kFailed), 1u);
  EXPECT_EQ(Count(VisitReport::Kind::kPrepared), 2u);
  EXPECT_FALSE(Entry(visits_[1])->baseline.empty());
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_THAT(chain_.asked, IsEmpty());
  const auto failed = std::ranges::find(reports_, VisitReport::Kind::kFailed, &VisitReport::kind);
  ASSERT_NE(failed, reports_.end());
  EXPECT_THAT(failed->reasons, ElementsAre("the first visit has no contrast T1"));
}

TEST_F(Prepare, AWorkerThatDiesIsTheVisitsMisfortuneAndItIsTriedAgain) {
  chain_.errors["sub-b ses-1"] = {ErrorCode::kInternal, "was ended by signal 9"};
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_EQ(Count(VisitReport::Kind::kFailed), 1u);
  EXPECT_FALSE(Entry(visits_[2]).has_value());
  chain_.errors.clear();
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_THAT(chain_.asked, ElementsAre("sub-b ses-1"));
}

TEST_F(Prepare, AFullDiskAndAMissingAtlasEndTheRunAndItGoesOnLater) {
  for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kInvalidInput}) {
    chain_.errors["sub-b ses-1"] = {code, "no room"};
    const Status status = Run(visits_);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, code);
  }
  chain_.errors.clear();
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_TRUE(Entry(visits_[2]).has_value());
}

TEST_F(Prepare, StoppingEndsItAndTheNextRunGoesOn) {
  chain_.waits_for_stop = true;
  const Status status = Run(visits_, [this] { return chain_.in_work > 0; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(status.error().message, HasSubstr("the same command goes on"));
  EXPECT_FALSE(Entry(visits_[0]).has_value());
  chain_.waits_for_stop = false;
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_EQ(Count(VisitReport::Kind::kPrepared), 3u);
}

TEST_F(Prepare, AChangedByteOfASealedFileIsMadeAgain) {
  ASSERT_TRUE(Run(visits_).ok());
  const auto file = paths_.cache() / Entry(visits_[1])->volumes.at(MriSequence::kFlair);
  std::string bytes = ReadText(file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  WriteText(file, bytes);
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_THAT(chain_.asked, ElementsAre("sub-a ses-2"));
  EXPECT_TRUE(cache_.CheckVolume(file.filename().string()).ok());
  std::filesystem::remove(paths_.cache() / Entry(visits_[0])->baseline);
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_THAT(chain_.asked, ElementsAre("sub-a ses-1"));
}

TEST_F(Prepare, TouchedFilesOfTheSameContentsAreLeftAndOtherContentsAreMadeAgainWithAllThatLiesOnThem) {
  ASSERT_TRUE(Run(visits_).ok());
  for (VisitScans& visit : visits_) visit.stamp = "second stamp";
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_EQ(chain_.asked.size(), 3u);
  EXPECT_EQ(Count(VisitReport::Kind::kAlready), 3u);
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_THAT(chain_.asked, IsEmpty());

  visits_[0].stamp = "third stamp";
  chain_.contents = "other contents";
  const std::string before = Entry(visits_[0])->baseline;
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_THAT(chain_.asked, UnorderedElementsAre("sub-a ses-1", "sub-a ses-2"));
  EXPECT_NE(Entry(visits_[0])->baseline, before);
  EXPECT_EQ(Entry(visits_[1])->laid_onto, Entry(visits_[0])->baseline);
}

TEST_F(Prepare, OtherRulesMakeEverythingAgain) {
  ASSERT_TRUE(Run(visits_).ok());
  rules_ = "other rules";
  ASSERT_TRUE(Run(visits_).ok());
  EXPECT_EQ(chain_.asked.size(), 3u);
}

TEST_F(Prepare, WhatNoVisitHasAnyMoreGoes) {
  ASSERT_TRUE(Run(visits_).ok());
  const auto gone = Entry(visits_[2])->volumes.at(MriSequence::kFlair);
  const auto kept = Entry(visits_[1])->volumes.at(MriSequence::kFlair);
  const VisitScans withdrawn = visits_[2];
  visits_.pop_back();
  ASSERT_TRUE(RemoveUnused(visits_, paths_).ok());
  EXPECT_FALSE(Entry(withdrawn).has_value());
  EXPECT_FALSE(std::filesystem::exists(Report(withdrawn)));
  EXPECT_FALSE(std::filesystem::exists(paths_.cache() / gone));
  EXPECT_TRUE(std::filesystem::exists(paths_.cache() / kept));
  EXPECT_TRUE(std::filesystem::exists(paths_.cache() / Entry(visits_[0])->baseline));
}

TEST_F(Prepare, TheCachesKeyIsMadeOnceAndLiesSealed) {
  SystemRandom random;
  ASSERT_TRUE(CreateState(paths_, random).ok());
  ASSERT_FALSE(LoadCacheKey(paths_, random).value().has_value());
  const auto made = MakeCacheKey(paths_, random);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const auto again = MakeCacheKey(paths_, random);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(ConstantTimeEqual(made->view(), again->view()));
  EXPECT_EQ(std::filesystem::status(paths_.cache_key()).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(ReadText(paths_.cache_key()).find(std::string(AsText(made->view()))), std::string::npos);
}

}  // namespace
}  // namespace fedtrial::site
