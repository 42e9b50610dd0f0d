#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <sqlite3.h>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

// For store.cc alone.
namespace fedtrial {

// One SQL statement, finalised with its scope. Parameters are bound as blobs and must outlive it.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) { code_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr); }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(ByteView bytes) {
    static constexpr std::uint8_t kNone = 0;  // a null pointer would bind NULL
    const void* data = bytes.empty() ? &kNone : bytes.data();
    return Keep(sqlite3_bind_blob64(statement_, ++bound_, data, bytes.size(), SQLITE_STATIC));
  }
  Statement& Bind(std::string_view text) { return Bind(AsBytes(text)); }
  Statement& Bind(std::uint64_t value) {
    constexpr std::uint64_t kMost = std::numeric_limits<sqlite3_int64>::max();
    return Keep(sqlite3_bind_int64(statement_, ++bound_, static_cast<sqlite3_int64>(std::min(value, kMost))));
  }

  // True: a row is there. False: no further row, or an error (then !ok()).
  bool Step() {
    if (code_ == SQLITE_OK || code_ == SQLITE_ROW) code_ = sqlite3_step(statement_);
    return code_ == SQLITE_ROW;
  }
  bool ok() const { return code_ == SQLITE_OK || code_ == SQLITE_ROW || code_ == SQLITE_DONE; }
  int code() const { return code_; }

  Bytes Blob(int column) {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data == nullptr ? Bytes{} : Bytes(data, data + size);
  }
  std::string Text(int column) { return std::string(AsText(Blob(column))); }
  std::int64_t Integer(int column) { return sqlite3_column_int64(statement_, column); }

 private:
  Statement& Keep(int code) {
    if (code_ == SQLITE_OK) code_ = code;
    return *this;
  }

  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  int code_ = SQLITE_OK;
};

}  // namespace fedtrial
