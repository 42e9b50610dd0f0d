#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fedtrial {

// One thing wrong with a file a person wrote. Line and column count from 1; 0 means not known.
struct Problem {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
  std::string key;      // "rules.masking.threshold", or a table's column name; may be empty
  std::string message;  // what was got and what is wanted

  // "site.toml:12:3: rules.threshold: 5 is larger than ..."
  std::string ToString() const;
};

// Collects all problems of a file, so that a person sees them at once.
class Problems {
 public:
  void Add(Problem problem) { list_.push_back(std::move(problem)); }
  void Append(const Problems& other) { list_.insert(list_.end(), other.list_.begin(), other.list_.end()); }
  bool empty() const { return list_.empty(); }
  const std::vector<Problem>& list() const { return list_; }

  // One problem a line.
  std::string ToString() const;
  // kInvalidInput with all problems, or ok if there are none.
  Status ToStatus() const;

 private:
  std::vector<Problem> list_;
};

}  // namespace fedtrial
