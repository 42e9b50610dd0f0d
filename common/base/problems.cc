#include "common/base/problems.h"

#include <fmt/format.h>

namespace fedtrial {

std::string Problem::ToString() const {
  std::string text = file;
  if (line > 0) text += fmt::format(":{}", line);
  if (column > 0) text += fmt::format(":{}", column);
  if (!text.empty()) text += ": ";
  if (!key.empty()) text += key + ": ";
  return text + message;
}

std::string Problems::ToString() const {
  std::string text;
  for (const Problem& problem : list_) {
    if (!text.empty()) text += '\n';
    text += problem.ToString();
  }
  return text;
}

Status Problems::ToStatus() const {
  if (list_.empty()) return {};
  return Error{ErrorCode::kInvalidInput, ToString()};
}

}  // namespace fedtrial
