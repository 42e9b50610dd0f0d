#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "site_node/cohort/cohort.h"

namespace fedtrial::site {

// Findings of a reading, bounded: a table of a million bad rows is told in kMaxFindings lines of each severity and a
// count.
class FindingList {
 public:
  void Add(Finding finding);
  void MoveTo(CohortReading& reading) &&;

 private:
  std::vector<Finding> list_;
  std::array<std::size_t, 3> kept_{};  // by severity
  std::size_t more_ = 0;
  bool has_errors_ = false;
};

}  // namespace fedtrial::site
