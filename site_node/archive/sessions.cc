#include "site_node/archive/sessions.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <vector>

#include "common/base/problems.h"
#include "common/runtime/files.h"
#include "security/crypto/sha256.h"
#include "site_node/cohort/finding_list.h"
#include "site_node/cohort/numbers.h"
#include "site_node/cohort/scan_names.h"
#include "site_node/cohort/table.h"

namespace fedtrial::site {
namespace {

constexpr std::uint64_t kMaxTableBytes = 1 << 20;
constexpr mode_t kTableMode = 0640;
constexpr std::string_view kSeriesPrefix = "series-";

mode_t ModeOf(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  return error || !std::filesystem::exists(status) ? kTableMode : static_cast<mode_t>(status.permissions());
}

}  // namespace

std::string SessionOfDay(double day) {
  return fmt::format("ses-d{}{:03}", day < 0 ? "m" : "", static_cast<long>(std::abs(day)));
}

std::string SeriesFolder(const std::string& series_uid) {
  return fmt::format("{}{}", kSeriesPrefix, ToHex(Sha256(AsBytes(series_uid))).substr(0, 12));
}

std::optional<double> ParseDicomDate(const std::string& text) {
  if (text.size() != 8) return std::nullopt;
  return ParseDate(fmt::format("{}-{}-{}", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2)));
}

Result<SessionTable> SessionTable::Read(const std::filesystem::path& data_folder, const std::string& subject) {
  SessionTable sessions;
  sessions.data_folder_ = data_folder;
  sessions.subject_ = subject;
  const std::string own = fmt::format("{}/{}_sessions.tsv", subject, subject);
  std::string name = own;
  std::error_code error;
  if (!std::filesystem::exists(data_folder / name, error)) name = fmt::format("{}/sessions.tsv", subject);
  if (!std::filesystem::exists(data_folder / name, error)) {
    sessions.file_ = data_folder / own;
    return sessions;
  }
  sessions.file_ = data_folder / name;
  Problems problems;
  FindingList findings;  // bad rows are `check`'s to tell
  const auto table = ReadTable({sessions.file_, name, "session_id", kMaxTableBytes}, problems, findings);
  if (table == nullptr || !problems.empty())
    return problems.empty() ? Error{ErrorCode::kInvalidInput, fmt::format("{}: can't be used", name)}
                            : problems.ToStatus().error();
  const auto column =
      std::ranges::find_if(table->header, [](std::string_view field) { return field == "day" || field == "acq_time"; });
  if (column == table->header.end())
    return Error{ErrorCode::kInvalidInput, fmt::format("{}: has no column day or acq_time", name)};
  sessions.text_ = AsText(table->contents());
  sessions.columns_ = table->header.size();
  sessions.id_ = table->id_column;
  sessions.when_column_ = static_cast<std::size_t>(column - table->header.begin());
  for (const auto& [session, row] : table->row_of) {
    const std::string_view when = table->field(row, sessions.when_column_);
    When& known = sessions.when_[std::string(session)];
    known.day = ParseNumber(when);
    if (!known.day) known.date = ParseDate(when);
  }
  return sessions;
}

Result<std::string> SessionTable::SessionOf(double day, double date) const {
  for (const auto& [session, when] : when_)
    if ((when.day == day || when.date == date) && session.starts_with("ses-") && IsLabel(session)) return session;
  const std::string session = SessionOfDay(day);
  if (when_.contains(session))
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} gives {} to another day than {}", file_.filename().string(), session, day)};
  return session;
}

Status SessionTable::Add(const std::string& session, double day) {
  std::string text = text_.empty() ? "session_id\tday\n" : text_;
  if (text.back() != '\n') text += '\n';
  for (std::size_t i = 0; i < columns_; ++i) {
    if (i > 0) text += '\t';
    text += i == id_ ? session : i == when_column_ ? fmt::format("{}", day) : std::string(kMissing);
  }
  text += '\n';
  std::error_code error;
  std::filesystem::create_directories(file_.parent_path(), error);
  RETURN_IF_ERROR(WriteWholeFile(file_, AsBytes(text), ModeOf(file_)));
  text_ = text;
  when_[session].day = day;
  return {};
}

std::optional<std::string> SessionTable::Holding(const std::string& series_folder) const {
  for (const auto& session : SortedEntries(data_folder_ / kDicomFolder / subject_))
    if (std::error_code error; std::filesystem::is_directory(session / series_folder, error))
      return session.filename().string();
  return std::nullopt;
}

bool SessionTable::HoldsOthers(const std::string& session) const {
  return std::ranges::any_of(SortedEntries(FolderOf(session)), [](const std::filesystem::path& entry) {
    return !entry.filename().string().starts_with(kSeriesPrefix);
  });
}

std::filesystem::path SessionTable::FolderOf(const std::string& session) const {
  return data_folder_ / kDicomFolder / subject_ / session;
}

}  // namespace fedtrial::site
