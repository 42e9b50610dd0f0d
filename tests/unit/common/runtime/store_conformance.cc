#include "tests/unit/common/runtime/store_conformance.h"

#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace fedtrial {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Mode = StoreOptions::Mode;

StoreOptions OptionsOf(Mode mode, std::string trial = "t1", std::uint32_t schema = 1) {
  StoreOptions options;
  options.mode = mode;
  options.trial = std::move(trial);
  options.schema = schema;
  return options;
}

std::unique_ptr<Store> Opened(const StoreFactory& factory, const std::string& name, const StoreOptions& options) {
  auto store = factory(name, options);
  if (store.ok()) return std::move(store).value();
  ADD_FAILURE() << store.error().message;
  return nullptr;
}

// "1:a 2:b", the journal as text.
std::string Journal(Store& store, std::string_view stream, std::uint64_t from = 1) {
  const auto records = store.Read(stream, from);
  if (!records.ok()) return records.error().message;
  std::string text;
  for (const JournalRecord& record : *records)
    text += (text.empty() ? "" : " ") + std::to_string(record.sequence) + ":" + std::string(AsText(record.bytes));
  return text;
}

std::string Value(Store& store, std::string_view table, std::string_view key) {
  const auto value = store.Get(table, key);
  if (!value.ok()) return value.error().message;
  return value->has_value() ? std::string(AsText(**value)) : "(none)";
}

void JournalsKeepOrderAndNeverReuseASequence(const StoreFactory& factory) {
  auto store = Opened(factory, "journals", OptionsOf(Mode::kCreate));
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(Journal(*store, "a"), "");
  EXPECT_EQ(store->Append("a", AsBytes("x")).value(), 1u);
  EXPECT_EQ(store->Append("a", AsBytes("")).value(), 2u);
  EXPECT_EQ(store->Append("b", AsBytes("y")).value(), 1u);
  EXPECT_EQ(store->Append("a", AsBytes("z")).value(), 3u);
  EXPECT_EQ(Journal(*store, "a"), "1:x 2: 3:z");
  EXPECT_EQ(Journal(*store, "a", 3), "3:z");
  EXPECT_EQ(Journal(*store, "a", 4), "");
  EXPECT_EQ(Journal(*store, "a", ~std::uint64_t{0}), "");
  ASSERT_TRUE(store->Truncate("a").ok());
  EXPECT_EQ(Journal(*store, "a"), "");
  EXPECT_EQ(Journal(*store, "b"), "1:y");
  EXPECT_EQ(store->Append("a", AsBytes("w")).value(), 4u);
  store = nullptr;
  store = Opened(factory, "journals", OptionsOf(Mode::kOpen));
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(Journal(*store, "a"), "4:w");
  ASSERT_TRUE(store->Truncate("a").ok());
  EXPECT_EQ(store->Append("a", AsBytes("v")).value(), 5u);
}

void TablesHoldAnyBytesByKey(const StoreFactory& factory) {
  auto store = Opened(factory, "tables", OptionsOf(Mode::kCreate));
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(Value(*store, "t", "k"), "(none)");
  ASSERT_TRUE(store->Put("t", "k", AsBytes("1")).ok());
  ASSERT_TRUE(store->Put("t", "k", AsBytes("2")).ok());
  ASSERT_TRUE(store->Put("other", "k", AsBytes("3")).ok());
  const std::string zero("\0a", 2);
  ASSERT_TRUE(store->Put("t", zero, AsBytes(zero)).ok());
  ASSERT_TRUE(store->Put("t", "\xff", AsBytes("")).ok());
  ASSERT_TRUE(store->Put("t", "K", AsBytes("large")).ok());
  EXPECT_EQ(Value(*store, "t", "k"), "2");
  EXPECT_EQ(Value(*store, "t", zero), zero);
  EXPECT_EQ(Value(*store, "t", "\xff"), "");
  std::vector<std::string> keys;
  const auto entries = store->List("t");
  ASSERT_TRUE(entries.ok());
  for (const StoreEntry& entry : *entries) keys.push_back(entry.key);
  EXPECT_THAT(keys, ElementsAre(zero, "K", "k", "\xff"));
  ASSERT_TRUE(store->Delete("t", "k").ok());
  ASSERT_TRUE(store->Delete("t", "k").ok());
  EXPECT_EQ(Value(*store, "t", "k"), "(none)");
  EXPECT_EQ(Value(*store, "other", "k"), "3");
  EXPECT_TRUE(store->List("nothing").value().empty());
  EXPECT_EQ(store->Put("t", "k", Bytes((std::size_t{64} << 20) + 1)).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(Value(*store, "t", "k"), "(none)");
}

void TransactionsAreAllOrNothing(const StoreFactory& factory) {
  const auto store = Opened(factory, "transactions", OptionsOf(Mode::kCreate));
  ASSERT_NE(store, nullptr);
  const Error stop{ErrorCode::kWrongPhase, "stop"};
  const auto change = [&](const std::string& word) -> Status {
    RETURN_IF_ERROR(store->Put("t", "k", AsBytes(word)));
    const auto sequence = store->Append("a", AsBytes(word));
    return sequence.ok() ? Status() : Status(sequence.error());
  };
  ASSERT_TRUE(store->Transaction([&] { return change("one"); }).ok());
  const Status failed = store->Transaction([&]() -> Status {
    RETURN_IF_ERROR(change("two"));
    EXPECT_EQ(Value(*store, "t", "k"), "two");  // its own changes are seen inside
    return stop;
  });
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error(), stop);
  EXPECT_EQ(Value(*store, "t", "k"), "one");
  EXPECT_EQ(Journal(*store, "a"), "1:one");

  // An inner one is a part of the outer: undone alone, or with it.
  ASSERT_TRUE(store
                  ->Transaction([&]() -> Status {
                    RETURN_IF_ERROR(change("three"));
                    EXPECT_FALSE(store
                                     ->Transaction([&]() -> Status {
                                       RETURN_IF_ERROR(change("four"));
                                       return stop;
                                     })
                                     .ok());
                    return {};
                  })
                  .ok());
  EXPECT_EQ(Value(*store, "t", "k"), "three");
  EXPECT_EQ(Journal(*store, "a"), "1:one 2:three");
  EXPECT_FALSE(store
                   ->Transaction([&]() -> Status {
                     RETURN_IF_ERROR(store->Transaction([&] { return change("five"); }));
                     return stop;
                   })
                   .ok());
  EXPECT_EQ(Journal(*store, "a"), "1:one 2:three");
}

void ThreadsDoNotMixTheirTransactions(const StoreFactory& factory) {
  const auto store = Opened(factory, "threads", OptionsOf(Mode::kCreate));
  ASSERT_NE(store, nullptr);
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 5; ++i) {
          const Status done = store->Transaction([&]() -> Status {
            const auto first = store->Append("a", AsBytes("x"));
            const auto second = store->Append("a", AsBytes("y"));
            if (!first.ok() || !second.ok() || *second != *first + 1) ++failures;
            return {};
          });
          if (!done.ok()) ++failures;
        }
      });
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(store->Read("a").value().size(), 40u);
}

void IdentityIsChecked(const StoreFactory& factory) {
  EXPECT_THAT(factory("identity", OptionsOf(Mode::kOpen)).error().message, HasSubstr("is not there"));
  auto store = Opened(factory, "identity", OptionsOf(Mode::kCreate));
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->trial(), "t1");
  ASSERT_TRUE(store->Put("t", "k", AsBytes("kept")).ok());
  store = nullptr;
  EXPECT_THAT(factory("identity", OptionsOf(Mode::kCreate)).error().message, HasSubstr("is there already"));
  const auto other = factory("identity", OptionsOf(Mode::kOpen, "t2"));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(other.error().message, HasSubstr("belongs to trial t1, wanted t2"));
  store = Opened(factory, "identity", OptionsOf(Mode::kOpen, ""));
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->trial(), "t1");
  EXPECT_EQ(Value(*store, "t", "k"), "kept");
  EXPECT_EQ(factory("no trial", OptionsOf(Mode::kCreate, "")).error().code, ErrorCode::kInvalidInput);
}

void AReaderBesideTheWriterSeesWhatIsCommittedAndChangesNothing(const StoreFactory& factory) {
  const auto writer = Opened(factory, "reader", OptionsOf(Mode::kCreate));
  ASSERT_NE(writer, nullptr);
  ASSERT_TRUE(writer->Put("t", "k", AsBytes("1")).ok());
  const auto reader = Opened(factory, "reader", OptionsOf(Mode::kReadOnly));
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(Value(*reader, "t", "k"), "1");
  ASSERT_TRUE(writer
                  ->Transaction([&]() -> Status {
                    RETURN_IF_ERROR(writer->Put("t", "k", AsBytes("2")));
                    EXPECT_EQ(Value(*reader, "t", "k"), "1");
                    return {};
                  })
                  .ok());
  EXPECT_EQ(Value(*reader, "t", "k"), "2");
  EXPECT_EQ(reader->Put("t", "k", AsBytes("3")).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(reader->Append("a", AsBytes("3")).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(Value(*writer, "t", "k"), "2");
}

void AnOlderSchemaIsUpgradedAndANewerOneRefused(const StoreFactory& factory) {
  auto store = Opened(factory, "schema", OptionsOf(Mode::kCreate));
  ASSERT_NE(store, nullptr);
  ASSERT_TRUE(store->Put("t", "k", AsBytes("old")).ok());
  store = nullptr;

  StoreOptions newer = OptionsOf(Mode::kOpen, "t1", 2);
  EXPECT_THAT(factory("schema", newer).error().message, HasSubstr("has schema 1, this program needs 2"));
  newer.upgrade = [](Store& old, std::uint32_t) -> Status {
    RETURN_IF_ERROR(old.Put("t", "k", AsBytes("half")));
    return Error{ErrorCode::kInternal, "the upgrade fails"};
  };
  EXPECT_EQ(factory("schema", newer).error().message, "the upgrade fails");
  store = Opened(factory, "schema", OptionsOf(Mode::kOpen));
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(Value(*store, "t", "k"), "old");
  store = nullptr;

  std::uint32_t from = 0;
  newer.upgrade = [&](Store& old, std::uint32_t version) {
    from = version;
    return old.Put("t", "k", AsBytes("new"));
  };
  store = Opened(factory, "schema", newer);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(from, 1u);
  EXPECT_EQ(Value(*store, "t", "k"), "new");
  store = nullptr;
  const auto refused = factory("schema", OptionsOf(Mode::kOpen));
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("has schema 2, this program knows up to 1"));
}

}  // namespace

void RunStoreConformance(const StoreFactory& factory) {
  const std::pair<const char*, void (*)(const StoreFactory&)> checks[] = {
      {"journals", JournalsKeepOrderAndNeverReuseASequence},
      {"tables", TablesHoldAnyBytesByKey},
      {"transactions", TransactionsAreAllOrNothing},
      {"threads", ThreadsDoNotMixTheirTransactions},
      {"identity", IdentityIsChecked},
      {"reader", AReaderBesideTheWriterSeesWhatIsCommittedAndChangesNothing},
      {"schema", AnOlderSchemaIsUpgradedAndANewerOneRefused}};
  for (const auto& [name, check] : checks) {
    SCOPED_TRACE(name);
    check(factory);
  }
}

}  // namespace fedtrial
