#pragma once

#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "site_node/cohort/cohort.h"
#include "site_node/cohort/days.h"
#include "site_node/cohort/source.h"

namespace fedtrial::site {

// RANO 2.0 (Wen et al., J Clin Oncol 2023;41:5187): the first scan after radiotherapy is the baseline, and progression
// within twelve weeks of it needs a confirming scan, at least four weeks later.
inline constexpr double kEarlyDays = 84.0, kConfirmDays = 28.0, kBaselineDays = 70.0;
inline constexpr std::string_view kRatings[] = {"CR", "PR", "SD", "PD", "PsP", "NE"};

// Each patient's first scan after day 0 that was rated PD or PsP, for the plan's head of pseudo-progression. Settled:
// PsP with its day of confirmation; PD from week 12 on, or with one, or with another PD four weeks later or more. Who
// has a bad row, or two of that day, has no suspicion and is left out of the head.
class SuspicionReader {
 public:
  // `head` may be null: then nobody has one. A table or column that isn't there is a problem of the source.
  SuspicionReader(const Block* head, Source& source, const DayReader& days, FindingList& findings);

  void Read();
  void Fill(Sample& sample, CohortReading& reading) const;

 private:
  struct Scan {
    std::size_t row = 0;
    double day = 0.0;
    std::string_view rating;
    bool confirmed = false;
  };

  std::string_view Field(const ColumnPlace& place, std::size_t row) const;
  std::optional<double> Day(const ColumnPlace& place, std::size_t row);
  void TakeRow(std::size_t row);
  void Refuse(const ColumnPlace& place, std::size_t row, std::string message, std::string wanted);
  std::optional<Suspicion> SuspicionIn(const std::vector<Scan>& scans) const;

  const Block* head_;
  const DayReader& days_;
  FindingList& findings_;
  ColumnPlace rating_, day_, confirm_;
  std::unordered_map<std::string_view, std::vector<Scan>> scans_;  // of each patient, by day; views into the table
  std::unordered_set<std::string_view> spoiled_;
};

}  // namespace fedtrial::site
