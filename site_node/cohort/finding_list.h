#pragma once

#include <utility>

#include "site_node/cohort/cohort.h"

namespace fedtrial::site {

// Findings of a reading, bounded: a table of a million bad rows is told in kMaxFindings lines and a count.
class FindingList {
 public:
  void Add(Finding finding);
  void MoveTo(CohortReading& reading) &&;

 private:
  std::vector<Finding> list_;
  std::size_t more_ = 0;
  bool has_errors_ = false;
};

}  // namespace fedtrial::site
