#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace fedtrial {

struct JournalRecord {
  std::uint64_t sequence = 0;
  Bytes bytes;
};

struct StoreEntry {
  std::string key;
  Bytes value;
};

// Small durable state: append-only journals and tables of key and value. What a call returned ok for has survived power
// loss by then; inside a Transaction that holds from its end on. Values are at most 64 MiB (larger ones are files
// beside it, named by digest). All members may be called from any thread; each is one at a time. Errors: kUnavailable
// (disk full, locked, failing device), kIntegrity (damaged), kInvalidInput (read-only, too large).
class Store {
 public:
  virtual ~Store() = default;

  // Sequences count from 1 in each stream and are never given twice, also after Truncate.
  virtual Result<std::uint64_t> Append(std::string_view stream, ByteView record) = 0;
  // Records with sequence >= from, in order.
  virtual Result<std::vector<JournalRecord>> Read(std::string_view stream, std::uint64_t from = 1) = 0;
  // Removes all records of the stream.
  virtual Status Truncate(std::string_view stream) = 0;

  virtual Status Put(std::string_view table, std::string_view key, ByteView value) = 0;
  virtual Result<std::optional<Bytes>> Get(std::string_view table, std::string_view key) = 0;
  virtual Result<std::vector<StoreEntry>> List(std::string_view table) = 0;  // by key, bytewise
  virtual Status Delete(std::string_view table, std::string_view key) = 0;   // ok if it isn't there

  // All or nothing: an error of `body` undoes what it did and is returned. Inside another one it is a part of that one
  // and undone with it.
  virtual Status Transaction(const std::function<Status()>& body) = 0;

  virtual const std::string& trial() const = 0;
};

struct StoreOptions {
  enum class Mode {
    kCreate,    // a new one; refused if there is one
    kOpen,      // refused if there is none
    kReadOnly,  // beside a daemon that has it open, or without one; sees what was committed when each call began
  };
  Mode mode = Mode::kOpen;
  std::string trial;         // kInvalidInput if the store is another trial's; empty: any (kReadOnly and kOpen)
  std::uint32_t schema = 1;  // what this program writes; a newer store is refused, an older one refused if read-only
  // Brings an older store to `schema`, in one transaction, after a copy is kept beside it as <name>.schema-<from>.
  std::function<Status(Store&, std::uint32_t from)> upgrade;
};

// SQLite with WAL and synchronous=FULL.
Result<std::unique_ptr<Store>> OpenSqliteStore(const std::filesystem::path& path, const StoreOptions& options);

}  // namespace fedtrial
