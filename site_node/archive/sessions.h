#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "common/base/result.h"

namespace fedtrial::site {

// "ses-d056" for the 56th day after day 0, "ses-dm002" for two days before it: tells no date.
std::string SessionOfDay(double day);

// "series-" and the first 12 digits of SHA-256 of its UID: tells nothing of it, and is the same at every run.
std::string SeriesFolder(const std::string& series_uid);

// Days since 1970-01-01 of a DICOM date, "20240317".
std::optional<double> ParseDicomDate(const std::string& text);

// One patient's sessions in the data folder: sub-X/sub-X_sessions.tsv or sub-X/sessions.tsv (columns session_id, and
// day or acq_time), and what lies in sourcedata/sub-X.
class SessionTable {
 public:
  // kInvalidInput where the table can't be used; no table is an empty one.
  static Result<SessionTable> Read(const std::filesystem::path& data_folder, const std::string& subject);

  // The session that the table has for this day (days from day 0, or the date), else SessionOfDay. kInvalidInput where
  // the table gives that name to another day.
  Result<std::string> SessionOf(double day, double date) const;
  bool Has(const std::string& session) const { return when_.contains(session); }
  // Adds a row of this session and day. The file is replaced as a whole; other rows stay as they are.
  Status Add(const std::string& session, double day);

  // The session under sourcedata that holds this series.
  std::optional<std::string> Holding(const std::string& series_folder) const;
  // Whether something lies in the session's folder that `fetch` didn't bring.
  bool HoldsOthers(const std::string& session) const;
  std::filesystem::path FolderOf(const std::string& session) const;

 private:
  struct When {
    std::optional<double> day, date;
  };

  std::filesystem::path data_folder_, file_;
  std::string subject_;
  std::string text_;         // of the table; empty: there is none
  std::size_t columns_ = 2;  // of it
  std::size_t id_ = 0, when_column_ = 1;
  std::map<std::string, When> when_;
};

}  // namespace fedtrial::site
