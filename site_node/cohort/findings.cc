#include <algorithm>
#include <fmt/format.h>

#include "site_node/cohort/finding_list.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kLongestValue = 60;

// Cut to the bound, never within a character of UTF-8.
std::string Shortened(std::string value) {
  if (value.size() <= kLongestValue) return value;
  std::size_t end = kLongestValue;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80) --end;
  value.resize(end);
  return value + "...";
}

}  // namespace

std::string_view ToString(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "note";
}

std::string Finding::ToString() const {
  std::string text = file;
  if (line > 0) text += fmt::format(":{}", line);
  if (column > 0) text += fmt::format(":{}", column);
  if (!text.empty()) text += ": ";
  if (!name.empty()) text += name + ": ";
  text += message;
  if (!value.empty()) text += fmt::format(", got \"{}\"", value);
  if (!wanted.empty()) text += fmt::format(", wanted {}", wanted);
  return text + fmt::format(" ({})", site::ToString(severity));
}

void FindingList::Add(Finding finding) {
  has_errors_ = has_errors_ || finding.severity == Severity::kError;
  if (kept_[static_cast<std::size_t>(finding.severity)] == kMaxFindings) {
    ++more_;
    return;
  }
  ++kept_[static_cast<std::size_t>(finding.severity)];
  finding.value = Shortened(std::move(finding.value));
  list_.push_back(std::move(finding));
}

void FindingList::MoveTo(CohortReading& reading) && {
  reading.findings = std::move(list_);
  reading.more_findings = more_;
  reading.has_errors = has_errors_;
}

bool HasErrors(const CohortReading& reading) { return reading.has_errors; }

std::string FindingsText(const CohortReading& reading) {
  std::vector<const Finding*> sorted;
  for (const Finding& finding : reading.findings) sorted.push_back(&finding);
  std::ranges::stable_sort(sorted, {}, &Finding::severity);
  std::string text;
  for (const Finding* finding : sorted) text += finding->ToString() + '\n';
  if (reading.more_findings > 0) text += fmt::format("and {} more findings\n", reading.more_findings);
  std::size_t clipped = 0;
  for (const auto& [feature, values] : reading.clipped) clipped += values;
  for (const auto& [task, patients] : reading.left_out_of)
    text += fmt::format("{} patients of the cohort are left out of {} for what is wrong above\n", patients, task);
  text += fmt::format(
      "{} patients read: {} in the cohort ({} events), {} left out for what is wrong above, {} without an outcome, {} "
      "outside the plan's filter; {} values clipped\n",
      reading.rows, reading.cohort.samples.size(), reading.summary.events, reading.left_out, reading.no_outcome,
      reading.filtered, clipped);
  return text;
}

}  // namespace fedtrial::site
