#include "site_node/cohort/table.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <system_error>

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxColumns = 10'000;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Length of the character of UTF-8 at the front of `text` (RFC 3629: no surrogates, no long forms); 0 if it isn't one.
std::size_t CharacterLength(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) || (first == 0xf0 && byte(1) < 0x90) ||
      (first == 0xf4 && byte(1) > 0x8f))
    return 0;
  return length;
}

// The first byte that isn't UTF-8, or a zero byte.
std::optional<std::size_t> FirstBadByte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i] - 1) < 0x7f) {  // ASCII but zero
      ++i;
      continue;
    }
    const std::size_t length = text[i] == '\0' ? 0 : CharacterLength(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::nullopt;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

void Split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  while (true) {
    const std::size_t tab = line.find('\t');
    fields.push_back(Trimmed(line.substr(0, tab)));
    if (tab == std::string_view::npos) return;
    line.remove_prefix(tab + 1);
  }
}

// Why the file can't be read, or empty.
std::string LoadBytes(const TableRequest& request, std::vector<char>& bytes) {
  std::error_code error;
  const auto status = std::filesystem::status(request.path, error);
  if (!std::filesystem::exists(status)) return "there is no such file";
  if (!std::filesystem::is_regular_file(status)) return "not a file";
  const std::uint64_t size = std::filesystem::file_size(request.path, error);
  if (error) return fmt::format("can't be read: {}", error.message());
  if (size > request.max_bytes) return fmt::format("too large: {} bytes, at most {}", size, request.max_bytes);
  std::ifstream in(request.path, std::ios::binary);
  bytes.resize(static_cast<std::size_t>(size));
  in.read(bytes.data(), static_cast<std::streamsize>(size));
  if (!in || in.gcount() != static_cast<std::streamsize>(size)) return "can't be read";
  return {};
}

class Parser {
 public:
  Parser(Table& table, Problems& problems, FindingList& findings)
      : table_(table), problems_(problems), findings_(findings) {}

  bool Parse(const std::string& id_column) {
    std::string_view text(table_.bytes.data(), table_.bytes.size());
    if (const auto bad = FirstBadByte(text)) return NotUtf8(text, *bad);
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    std::size_t line = 0;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view row = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++line;
      if (Trimmed(row).empty()) continue;
      if (!table_.header.empty())
        AddRow(row, line);
      else if (!TakeHeader(row, line, id_column))
        return false;
    }
    if (table_.header.empty()) return Unusable(0, "", "the file is empty: there is no header");
    return true;
  }

 private:
  bool Unusable(std::size_t line, const std::string& key, std::string message) {
    problems_.Add({table_.file, line, 0, key, std::move(message)});
    return false;
  }

  bool NotUtf8(std::string_view text, std::size_t at) {
    const std::string_view before = text.substr(0, at);
    const auto line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
    const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    const auto column = static_cast<std::size_t>(std::ranges::count(before.substr(start), '\t')) + 1;
    problems_.Add({table_.file, line, column, "",
                   fmt::format("byte 0x{:02x} is not UTF-8: save the table as UTF-8 text",
                               static_cast<unsigned>(static_cast<unsigned char>(text[at])))});
    return false;
  }

  bool TakeHeader(std::string_view row, std::size_t line, const std::string& id_column) {
    Split(row, table_.header);
    if (table_.header.size() > kMaxColumns)
      return Unusable(line, "", fmt::format("{} columns, at most {}", table_.header.size(), kMaxColumns));
    bool ok = true;
    std::unordered_set<std::string_view> seen;
    for (const std::string_view name : table_.header)
      if (!name.empty() && !seen.insert(name).second)
        ok = Unusable(line, std::string(name), "the header names this column twice");
    const auto found = std::ranges::find(table_.header, id_column);
    if (found == table_.header.end())
      return Unusable(line, id_column,
                      fmt::format("no such column in the header of {} (fields parted by tabs)", table_.header.size()));
    table_.id_column = static_cast<std::size_t>(found - table_.header.begin());
    return ok;
  }

  void AddRow(std::string_view text, std::size_t line) {
    Split(text, fields_);
    const std::string_view id = fields_.size() > table_.id_column ? fields_[table_.id_column] : std::string_view();
    const bool named = !id.empty() && id != "n/a";
    if (fields_.size() != table_.header.size()) {
      if (named) table_.unusable.insert(id);
      findings_.Add({.file = table_.file,
                     .line = line,
                     .column = std::min(fields_.size(), table_.header.size()) + 1,
                     .name = "",
                     .value = "",
                     .message = fmt::format("the row has {} fields", fields_.size()),
                     .wanted = fmt::format("{} as in the header", table_.header.size())});
      if (!named) return;
    }
    if (!named) return BlameId(line, id, "the row names no patient", "a pseudonym");
    const auto [first, is_new] = table_.row_of.emplace(id, table_.lines.size());
    if (is_new) {
      table_.patient_rows.push_back(table_.lines.size());
    } else if (table_.rows_per_patient == RowsPerPatient::kOne) {
      table_.unusable.insert(id);
      BlameId(line, id, fmt::format("this patient stands in line {} too", table_.lines[first->second]),
              "one row a patient");
    }
    table_.lines.push_back(line);
    const std::size_t kept = std::min(fields_.size(), table_.header.size());
    table_.fields.insert(table_.fields.end(), fields_.begin(), fields_.begin() + static_cast<std::ptrdiff_t>(kept));
    table_.fields.resize(table_.lines.size() * table_.header.size());
  }

  void BlameId(std::size_t line, std::string_view id, std::string message, std::string wanted) {
    findings_.Add({.file = table_.file,
                   .line = line,
                   .column = table_.id_column + 1,
                   .name = std::string(table_.header[table_.id_column]),
                   .value = std::string(id),
                   .message = std::move(message),
                   .wanted = std::move(wanted)});
  }

  Table& table_;
  Problems& problems_;
  FindingList& findings_;
  std::vector<std::string_view> fields_;  // of the row at hand
};

}  // namespace

std::unique_ptr<Table> ReadTable(const TableRequest& request, Problems& problems, FindingList& findings) {
  auto table = std::make_unique<Table>();
  table->file = request.file;
  table->rows_per_patient = request.rows_per_patient;
  if (std::string why = LoadBytes(request, table->bytes); !why.empty()) {
    problems.Add({request.file, 0, 0, "", std::move(why)});
    return nullptr;
  }
  if (!Parser(*table, problems, findings).Parse(request.id_column)) return nullptr;
  return table;
}

}  // namespace fedtrial::site
