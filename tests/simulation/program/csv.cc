#include <fmt/format.h>
#include <fstream>
#include <sstream>

#include "tests/simulation/program/patients.h"

namespace fedtrial::sim {
namespace {

class CsvParser {
 public:
  void Take(char c) {
    if (closing_ && c != '"') quoted_ = closing_ = false;
    if (quoted_ && c == '"' && !closing_) {
      closing_ = true;
    } else if (quoted_) {
      row_.fields.back() += c;
      closing_ = false;
    } else if (c == '"' && row_.fields.back().empty()) {
      quoted_ = true;
    } else if (c == ',') {
      row_.fields.emplace_back();
    } else if (c == '\n') {
      EndRow();
    } else if (c != '\r') {
      row_.fields.back() += c;
    }
    if (c == '\n') ++line_;
  }
  // False if a quotation mark isn't closed.
  bool Finish() {
    EndRow();
    return !quoted_ || closing_;
  }
  std::size_t line() const { return line_; }
  std::vector<CsvRow>& rows() { return rows_; }

 private:
  void EndRow() {
    if (row_.fields.size() > 1 || !row_.fields[0].empty()) rows_.push_back(std::move(row_));
    row_ = {line_ + 1, {""}};
  }

  std::vector<CsvRow> rows_;
  CsvRow row_{1, {""}};
  bool quoted_ = false;
  bool closing_ = false;  // a quotation mark inside quotes: the end, or the first of two
  std::size_t line_ = 1;
};

}  // namespace

Result<std::vector<CsvRow>> ReadCsv(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || std::filesystem::is_directory(file))
    return Error{ErrorCode::kInvalidInput, fmt::format("{} can't be read", file.string())};
  const std::string all = text.str();
  CsvParser parser;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  for (const char c : std::string_view(all).substr(all.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0))
    parser.Take(c);
  if (!parser.Finish())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{}:{}: a quotation mark isn't closed", file.string(), parser.line())};
  const std::vector<CsvRow>& rows = parser.rows();
  if (rows.size() < 2) return Error{ErrorCode::kInvalidInput, fmt::format("{} has no rows", file.string())};
  for (const CsvRow& row : rows)
    if (row.fields.size() != rows[0].fields.size())
      return Error{ErrorCode::kInvalidInput, fmt::format("{}:{}: {} fields, the header has {}", file.string(), row.line,
                                                         row.fields.size(), rows[0].fields.size())};
  return std::move(parser.rows());
}

}  // namespace fedtrial::sim
