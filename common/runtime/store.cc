#include "common/runtime/store.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <sqlite3.h>
#include <system_error>
#include <unistd.h>

#include "common/runtime/files.h"
#include "common/runtime/sqlite_statement.h"

namespace fedtrial {
namespace {

constexpr int kApplicationId = 0x46540001;  // "FT", layout of the tables 1
constexpr std::size_t kMaxValue = std::size_t{64} << 20;
constexpr int kBusyMilliseconds = 10'000;

constexpr char kTables[] = R"(
CREATE TABLE identity(trial TEXT NOT NULL);
CREATE TABLE streams(stream BLOB PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE journal(stream BLOB NOT NULL, sequence INTEGER NOT NULL, record BLOB NOT NULL, UNIQUE(stream, sequence));
CREATE TABLE entries(tab BLOB NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL, UNIQUE(tab, name));
)";

ErrorCode CodeOf(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
      return ErrorCode::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kIntegrity;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_TOOBIG:
      return ErrorCode::kInvalidInput;
    default:
      return ErrorCode::kInternal;
  }
}

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::filesystem::path path) : path_(std::move(path)) {}
  ~SqliteStore() override { sqlite3_close(db_); }
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  Status Open(const StoreOptions& options);

  Result<std::uint64_t> Append(std::string_view stream, ByteView record) override;
  Result<std::vector<JournalRecord>> Read(std::string_view stream, std::uint64_t from) override;
  Status Truncate(std::string_view stream) override;
  Status Put(std::string_view table, std::string_view key, ByteView value) override;
  Result<std::optional<Bytes>> Get(std::string_view table, std::string_view key) override;
  Result<std::vector<StoreEntry>> List(std::string_view table) override;
  Status Delete(std::string_view table, std::string_view key) override;
  Status Transaction(const std::function<Status()>& body) override;
  const std::string& trial() const override { return trial_; }

 private:
  Status Connect(bool read_only);
  Status Create(const StoreOptions& options);
  Status CheckIdentity(const StoreOptions& options);
  Status Upgrade(const StoreOptions& options, std::uint32_t from);
  Status KeepCopy(const std::filesystem::path& copy);

  Error Failed(int code) const {
    return {CodeOf(code),
            fmt::format("store {}: {}", path_.string(), db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code))};
  }
  Error Refused(std::string_view why) const {
    return {ErrorCode::kInvalidInput, fmt::format("store {} {}", path_.string(), why)};
  }
  Status Execute(const std::string& sql) {
    const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return Failed(code);
    return {};
  }
  Status Run(Statement& statement) {
    while (statement.Step()) {
    }
    if (!statement.ok()) return Failed(statement.code());
    return {};
  }
  Result<std::int64_t> Number(const char* sql) {
    Statement statement(db_, sql);
    if (!statement.Step()) return Failed(statement.code());
    return statement.Integer(0);
  }
  Status CheckSize(ByteView value) const {
    if (value.size() <= kMaxValue) return {};
    return Error{ErrorCode::kInvalidInput, fmt::format("store {}: a value of {} bytes, at most {} are allowed",
                                                       path_.string(), value.size(), kMaxValue)};
  }

  const std::filesystem::path path_;
  std::string trial_;
  std::recursive_mutex mutex_;  // recursive: a transaction's body calls us
  sqlite3* db_ = nullptr;
  unsigned depth_ = 0;  // of nested transactions
};

Status SqliteStore::Open(const StoreOptions& options) {
  const bool read_only = options.mode == StoreOptions::Mode::kReadOnly;
  if (options.mode == StoreOptions::Mode::kCreate) {
    // Made here, so that the mode is right from the first byte; SQLite gives its other files the same one.
    const Fd fd(open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd.open() && errno != EEXIST) return SystemError(errno, "create", path_);
  } else if (std::error_code error; !std::filesystem::is_regular_file(path_, error)) {
    return Refused("is not there");
  }
  RETURN_IF_ERROR(Connect(read_only));
  ASSIGN_OR_RETURN(const std::int64_t tables, Number("SELECT count(*) FROM sqlite_master"));
  if (options.mode == StoreOptions::Mode::kCreate) {
    if (tables != 0) return Refused("is there already");
    return Create(options);
  }
  if (tables == 0) return Refused("is empty: its creation was interrupted");
  return CheckIdentity(options);
}

Status SqliteStore::Connect(bool read_only) {
  const int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
  if (const int code = sqlite3_open_v2(path_.c_str(), &db_, flags, nullptr); code != SQLITE_OK) return Failed(code);
  sqlite3_busy_timeout(db_, kBusyMilliseconds);
  if (read_only) return {};
  RETURN_IF_ERROR(Execute("PRAGMA journal_mode=WAL"));
  return Execute("PRAGMA synchronous=FULL");
}

Status SqliteStore::Create(const StoreOptions& options) {
  if (options.trial.empty()) return Refused("needs the id of its trial");
  trial_ = options.trial;
  RETURN_IF_ERROR(Transaction([&]() -> Status {
    RETURN_IF_ERROR(Execute(kTables));
    RETURN_IF_ERROR(Execute(fmt::format("PRAGMA application_id={}", kApplicationId)));
    RETURN_IF_ERROR(Execute(fmt::format("PRAGMA user_version={}", options.schema)));
    Statement statement(db_, "INSERT INTO identity VALUES(?1)");
    return Run(statement.Bind(trial_));
  }));
  return SyncFolder(path_.has_parent_path() ? path_.parent_path() : std::filesystem::path("."));
}

Status SqliteStore::CheckIdentity(const StoreOptions& options) {
  ASSIGN_OR_RETURN(const std::int64_t id, Number("PRAGMA application_id"));
  if (id != kApplicationId) return Refused("is not one of fedtrial's");
  if (options.mode == StoreOptions::Mode::kOpen) {
    Statement check(db_, "PRAGMA quick_check(1)");
    if (!check.Step()) return Failed(check.code());
    if (const std::string verdict = check.Text(0); verdict != "ok")
      return Error{ErrorCode::kIntegrity, fmt::format("store {} is damaged: {}", path_.string(), verdict)};
  }
  Statement statement(db_, "SELECT trial FROM identity");
  if (!statement.Step()) return statement.ok() ? Refused("names no trial") : Failed(statement.code());
  trial_ = statement.Text(0);
  if (!options.trial.empty() && options.trial != trial_)
    return Refused(fmt::format("belongs to trial {}, wanted {}", trial_, options.trial));
  ASSIGN_OR_RETURN(const std::int64_t number, Number("PRAGMA user_version"));
  const auto schema = static_cast<std::uint32_t>(number);
  if (schema > options.schema)
    return Refused(fmt::format("has schema {}, this program knows up to {}: use a newer one", schema, options.schema));
  if (schema == options.schema) return {};
  if (options.mode == StoreOptions::Mode::kReadOnly || !options.upgrade)
    return Refused(fmt::format("has schema {}, this program needs {}: it is upgraded when the daemon starts", schema,
                               options.schema));
  while (statement.Step()) {
  }
  return Upgrade(options, schema);
}

Status SqliteStore::Upgrade(const StoreOptions& options, std::uint32_t from) {
  std::filesystem::path copy = path_;
  copy += fmt::format(".schema-{}", from);
  RETURN_IF_ERROR(KeepCopy(copy));
  return Transaction([&]() -> Status {
    RETURN_IF_ERROR(options.upgrade(*this, from));
    return Execute(fmt::format("PRAGMA user_version={}", options.schema));
  });
}

Status SqliteStore::KeepCopy(const std::filesystem::path& copy) {
  std::filesystem::path unfinished = copy;
  unfinished += ".part";
  RETURN_IF_ERROR(RemoveFile(unfinished));
  const Fd fd(open(unfinished.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.open()) return SystemError(errno, "create", unfinished);
  {
    Statement statement(db_, "VACUUM INTO CAST(?1 AS TEXT)");
    RETURN_IF_ERROR(Run(statement.Bind(unfinished.string())));
  }
  if (fsync(fd.get()) != 0) return SystemError(errno, "sync", unfinished);
  if (rename(unfinished.c_str(), copy.c_str()) != 0) return SystemError(errno, "create", copy);
  return SyncFolder(copy.has_parent_path() ? copy.parent_path() : std::filesystem::path("."));
}

Result<std::uint64_t> SqliteStore::Append(std::string_view stream, ByteView record) {
  RETURN_IF_ERROR(CheckSize(record));
  std::uint64_t sequence = 0;
  RETURN_IF_ERROR(Transaction([&]() -> Status {
    Statement next(db_,
                   "INSERT INTO streams VALUES(?1, 1) ON CONFLICT(stream) DO UPDATE SET last = last + 1 "
                   "RETURNING last");
    if (!next.Bind(stream).Step()) return Failed(next.code());
    sequence = static_cast<std::uint64_t>(next.Integer(0));
    RETURN_IF_ERROR(Run(next));
    Statement insert(db_, "INSERT INTO journal VALUES(?1, ?2, ?3)");
    return Run(insert.Bind(stream).Bind(sequence).Bind(record));
  }));
  return sequence;
}

Result<std::vector<JournalRecord>> SqliteStore::Read(std::string_view stream, std::uint64_t from) {
  const std::scoped_lock lock(mutex_);
  Statement statement(db_,
                      "SELECT sequence, record FROM journal WHERE stream = ?1 AND sequence >= ?2 ORDER BY sequence");
  statement.Bind(stream).Bind(from);
  std::vector<JournalRecord> records;
  while (statement.Step()) records.push_back({static_cast<std::uint64_t>(statement.Integer(0)), statement.Blob(1)});
  if (!statement.ok()) return Failed(statement.code());
  return records;
}

Status SqliteStore::Truncate(std::string_view stream) {
  const std::scoped_lock lock(mutex_);
  Statement statement(db_, "DELETE FROM journal WHERE stream = ?1");
  return Run(statement.Bind(stream));
}

Status SqliteStore::Put(std::string_view table, std::string_view key, ByteView value) {
  RETURN_IF_ERROR(CheckSize(value));
  const std::scoped_lock lock(mutex_);
  Statement statement(
      db_, "INSERT INTO entries VALUES(?1, ?2, ?3) ON CONFLICT(tab, name) DO UPDATE SET value = excluded.value");
  return Run(statement.Bind(table).Bind(key).Bind(value));
}

Result<std::optional<Bytes>> SqliteStore::Get(std::string_view table, std::string_view key) {
  const std::scoped_lock lock(mutex_);
  Statement statement(db_, "SELECT value FROM entries WHERE tab = ?1 AND name = ?2");
  std::optional<Bytes> value;
  if (statement.Bind(table).Bind(key).Step()) value = statement.Blob(0);
  if (!statement.ok()) return Failed(statement.code());
  return value;
}

Result<std::vector<StoreEntry>> SqliteStore::List(std::string_view table) {
  const std::scoped_lock lock(mutex_);
  Statement statement(db_, "SELECT name, value FROM entries WHERE tab = ?1 ORDER BY name");
  statement.Bind(table);
  std::vector<StoreEntry> entries;
  while (statement.Step()) entries.push_back({statement.Text(0), statement.Blob(1)});
  if (!statement.ok()) return Failed(statement.code());
  return entries;
}

Status SqliteStore::Delete(std::string_view table, std::string_view key) {
  const std::scoped_lock lock(mutex_);
  Statement statement(db_, "DELETE FROM entries WHERE tab = ?1 AND name = ?2");
  return Run(statement.Bind(table).Bind(key));
}

Status SqliteStore::Transaction(const std::function<Status()>& body) {
  const std::scoped_lock lock(mutex_);
  const std::string point = fmt::format("part{}", depth_);
  RETURN_IF_ERROR(Execute(depth_ == 0 ? std::string("BEGIN IMMEDIATE") : "SAVEPOINT " + point));
  ++depth_;
  Status done = body();
  --depth_;
  if (done.ok()) {
    done = Execute(depth_ == 0 ? std::string("COMMIT") : "RELEASE " + point);
    if (done.ok()) return {};
  }
  // SQLite may have undone everything by itself (disk full); then there is nothing left to roll back.
  if (sqlite3_get_autocommit(db_) == 0)
    RETURN_IF_ERROR(Execute(depth_ == 0 ? std::string("ROLLBACK") : "ROLLBACK TO " + point + "; RELEASE " + point));
  return done;
}

}  // namespace

Result<std::unique_ptr<Store>> OpenSqliteStore(const std::filesystem::path& path, const StoreOptions& options) {
  auto store = std::make_unique<SqliteStore>(path);
  RETURN_IF_ERROR(store->Open(options));
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace fedtrial
