#include "common/runtime/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/common/runtime/store_conformance.h"
#include "tests/unit/common/runtime/test_folder.h"

namespace fedtrial {
namespace {

using testing::HasSubstr;
using Mode = StoreOptions::Mode;

StoreOptions Options(Mode mode, std::uint32_t schema = 1) {
  StoreOptions options;
  options.mode = mode;
  options.trial = "t1";
  options.schema = schema;
  return options;
}

TEST(SqliteStore, KeepsWhatAStorePromises) {
  const TestFolder folder;
  RunStoreConformance([&](const std::string& name, const StoreOptions& options) {
    return OpenSqliteStore(folder / (name + ".db"), options);
  });
}

TEST(SqliteStore, KilledInATransactionComesBackWithoutIt) {
  const TestFolder folder;
  ASSERT_TRUE(OpenSqliteStore(folder / "a.db", Options(Mode::kCreate)).ok());
  auto child = ChildProcess::Start(Child({"transaction", folder / "a.db"}));
  ASSERT_TRUE(child.ok());
  ASSERT_EQ((*child)->Wait()->signal, SIGKILL);

  // What a status command sees before the daemon has started again, then the daemon.
  for (const Mode mode : {Mode::kReadOnly, Mode::kOpen}) {
    const auto store = OpenSqliteStore(folder / "a.db", Options(mode));
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto records = (*store)->Read("journal");
    ASSERT_EQ(records->size(), 1u);
    EXPECT_EQ(AsText(records->front().bytes), "kept");
    EXPECT_FALSE((*store)->Get("table", "key")->has_value());
  }
  const auto store = OpenSqliteStore(folder / "a.db", Options(Mode::kOpen));
  EXPECT_EQ((*store)->Append("journal", AsBytes("next")).value(), 2u);
}

TEST(SqliteStore, IsDurableAndPrivate) {
  const TestFolder folder;
  const auto store = OpenSqliteStore(folder / "a.db", Options(Mode::kCreate));
  ASSERT_TRUE((*store)->Put("t", "k", AsBytes("v")).ok());
  for (const char* name : {"a.db", "a.db-wal", "a.db-shm"}) {
    struct stat info {};
    ASSERT_EQ(stat((folder / name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

TEST(SqliteStore, OnAFullDiskSaysSoAndGoesOnWhenThereIsRoom) {
  const TestFolder folder;
  const auto store = OpenSqliteStore(folder / "a.db", Options(Mode::kCreate));
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Put("t", "k", AsBytes("before")).ok());
  Status full;
  {
    const FullDisk disk(200'000);
    full = (*store)->Transaction([&]() -> Status {
      RETURN_IF_ERROR((*store)->Put("t", "k", AsBytes("half")));
      return (*store)->Put("t", "large", Bytes(1'000'000));
    });
  }
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, ErrorCode::kUnavailable) << full.error().message;
  EXPECT_THAT(full.error().message, HasSubstr((folder / "a.db").string()));
  EXPECT_EQ(AsText((*store)->Get("t", "k").value().value()), "before");
  EXPECT_TRUE((*store)->Put("t", "large", Bytes(1'000'000)).ok());
}

TEST(SqliteStore, ADamagedFileIsRefusedWithItsName) {
  const TestFolder folder;
  {
    const auto store = OpenSqliteStore(folder / "a.db", Options(Mode::kCreate));
    ASSERT_TRUE((*store)
                    ->Transaction([&]() -> Status {
                      for (int i = 0; i < 50; ++i)
                        RETURN_IF_ERROR((*store)->Put("t", std::to_string(i), Bytes(2000, 1)));
                      return {};
                    })
                    .ok());
  }
  Bytes bytes = ReadWholeFile(folder / "a.db", 1 << 20).value();
  for (std::size_t i = 8192; i < 8192 + 4096; ++i) bytes[i] = 0xaa;
  ASSERT_TRUE(WriteWholeFile(folder / "a.db", bytes).ok());
  const auto damaged = OpenSqliteStore(folder / "a.db", Options(Mode::kOpen));
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, ErrorCode::kIntegrity) << damaged.error().message;
  EXPECT_THAT(damaged.error().message, HasSubstr((folder / "a.db").string()));

  ASSERT_TRUE(WriteWholeFile(folder / "text.db", Bytes(5000, 'x')).ok());
  EXPECT_EQ(OpenSqliteStore(folder / "text.db", Options(Mode::kOpen)).error().code, ErrorCode::kIntegrity);
}

TEST(SqliteStore, AnInterruptedCreationIsRefusedAndCanBeRepeated) {
  const TestFolder folder;
  ASSERT_TRUE(WriteWholeFile(folder / "a.db", {}).ok());
  EXPECT_THAT(OpenSqliteStore(folder / "a.db", Options(Mode::kOpen)).error().message, HasSubstr("was interrupted"));
  EXPECT_TRUE(OpenSqliteStore(folder / "a.db", Options(Mode::kCreate)).ok());
}

TEST(SqliteStore, KeepsACopyBeforeAnUpgrade) {
  const TestFolder folder;
  {
    const auto store = OpenSqliteStore(folder / "a.db", Options(Mode::kCreate));
    ASSERT_TRUE((*store)->Put("t", "k", AsBytes("old")).ok());
  }
  StoreOptions newer = Options(Mode::kOpen, 2);
  newer.upgrade = [](Store& store, std::uint32_t) { return store.Put("t", "k", AsBytes("new")); };
  ASSERT_TRUE(OpenSqliteStore(folder / "a.db", newer).ok());
  const auto copy = OpenSqliteStore(folder / "a.db.schema-1", Options(Mode::kReadOnly));
  ASSERT_TRUE(copy.ok()) << copy.error().message;
  EXPECT_EQ(AsText((*copy)->Get("t", "k").value().value()), "old");
}

}  // namespace
}  // namespace fedtrial
