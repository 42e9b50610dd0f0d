#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <numbers>
#include <vector>

#include "site_node/cohort/check_rows.h"
#include "site_node/cohort/numbers.h"
#include "site_node/cohort/suspicion.h"

namespace fedtrial::site {
namespace {

constexpr std::string_view kCriteria[] = {"RANO2010", "iRANO", "RANO2.0"};

// Volume of enhancement against the sphere that the sum of products of diameters makes: rims hold little of it, long
// lesions more. Beyond these the two aren't of the same lesions, or one is in another unit.
constexpr double kLargestPart = 5.0, kSmallestPart = 0.05;

struct Scan {
  std::size_t row = 0;
  double day = 0.0;
};

class ResponseCheck {
 public:
  ResponseCheck(const CheckInput& input, Source& source, FindingList& findings)
      : rows_(input, source, "response", findings) {}

  void Run() {
    if (!rows_.Has("rano")) return;
    std::map<std::string_view, std::vector<Scan>> scans;
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      CheckWords(row);
      CheckSizes(row);
      if (const auto day = rows_.Day(row, "scan_day")) scans[rows_.Patient(row)].push_back({row, *day});
    }
    for (auto& [patient, list] : scans) {
      std::ranges::sort(list, {}, &Scan::day);
      CheckPatient(list);
    }
  }

 private:
  void CheckWords(std::size_t row) {
    const std::string_view rating = rows_.Field(row, "rano");
    if (rating == kMissing) return;
    if (std::ranges::find(kRatings, rating) == std::end(kRatings))
      rows_.Find(Severity::kError, row, "rano", "unknown rating", fmt::format("{} or n/a", fmt::join(kRatings, ", ")));
    const std::string_view criteria = rows_.Field(row, "criteria");
    if (std::ranges::find(kCriteria, criteria) == std::end(kCriteria))
      rows_.Find(Severity::kWarning, row, "criteria", "it isn't said by which criteria the scan was rated",
                 fmt::format("{}", fmt::join(kCriteria, ", ")));
  }

  void CheckSizes(std::size_t row) {
    const auto products = rows_.Number(row, "sum_product_mm2"), volume = rows_.Number(row, "volume_enh_ml");
    if (!products || !volume || !(*products > 0.0) || !(*volume > 0.0)) return;
    const double sphere = std::numbers::pi / 6.0 * std::pow(*products, 1.5) / 1000.0;
    if (*volume > kLargestPart * sphere || *volume < kSmallestPart * sphere)
      rows_.Find(Severity::kWarning, row, "volume_enh_ml",
                 fmt::format("doesn't fit the sum of products of {} mm2", *products),
                 fmt::format("{:.2g} to {:.2g} ml, from {} to {} times a sphere of {:.2g} ml", kSmallestPart * sphere,
                             kLargestPart * sphere, kSmallestPart, kLargestPart, sphere));
  }

  void CheckPatient(const std::vector<Scan>& scans) {
    for (std::size_t i = 0; i < scans.size(); ++i) {
      const Scan& scan = scans[i];
      if (i > 0 && scans[i - 1].day == scan.day)
        rows_.Find(Severity::kError, scan.row, "scan_day", "this patient has another row of this day",
                   "one row a patient and scan");
      const std::string_view rating = rows_.Field(scan.row, "rano");
      const auto confirmed = rows_.Day(scan.row, "confirm_day");
      if (confirmed && *confirmed < scan.day)
        rows_.Find(Severity::kError, scan.row, "confirm_day", "confirmed before the scan", "a later day, or n/a");
      if (rating == "PsP" && !confirmed)
        rows_.Find(Severity::kWarning, scan.row, "confirm_day", "pseudo-progression without a confirming scan",
                   "the day of the scan or histology that showed it");
      if (rating == "PD" && scan.day < kEarlyDays && !confirmed && !GoesOn(scans, i))
        rows_.Find(Severity::kWarning, scan.row, "confirm_day",
                   fmt::format("progression before day {} without a confirming scan", kEarlyDays),
                   fmt::format("its day, at least {} days later", kConfirmDays));
    }
    CheckBaseline(scans);
  }

  static bool IsLater(const Scan& first, const Scan& later) { return later.day - first.day >= kConfirmDays; }
  bool GoesOn(const std::vector<Scan>& scans, std::size_t at) {
    return std::any_of(scans.begin() + static_cast<std::ptrdiff_t>(at), scans.end(), [&](const Scan& later) {
      return IsLater(scans[at], later) && rows_.Field(later.row, "rano") == "PD";
    });
  }

  void CheckBaseline(const std::vector<Scan>& scans) {
    const Scan& first = scans.front();
    if (rows_.Field(first.row, "criteria") != "RANO2.0") return;
    if (scans.back().day <= kBaselineDays ||
        std::ranges::any_of(scans, [](const Scan& scan) { return scan.day > 0.0 && scan.day <= kBaselineDays; }))
      return;
    rows_.Find(Severity::kNote, first.row, "scan_day",
               fmt::format("no scan from day 1 to {}, which RANO 2.0 takes as the baseline", kBaselineDays),
               "a scan after radiotherapy");
  }

  CheckRows rows_;
};

}  // namespace

void CheckResponse(const CheckInput& input, Source& source, FindingList& findings) {
  ResponseCheck(input, source, findings).Run();
}

}  // namespace fedtrial::site
