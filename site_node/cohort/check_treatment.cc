#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <map>
#include <set>

#include "site_node/cohort/check_rows.h"
#include "site_node/cohort/numbers.h"

namespace fedtrial::site {
namespace {

std::string Small(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return small;
}

class TreatmentCheck {
 public:
  TreatmentCheck(const CheckInput& input, Source& known, Source& source, FindingList& findings)
      : protocol_(input.plan.protocol),
        participants_(input, known, "participants", findings),
        outcome_(input, known, "outcome", known_findings_),
        treatment_(input, source, "treatment", findings),
        radiotherapy_(input, source, "rt", findings),
        events_(input, source, "ae", findings) {}

  void Run() {
    ReadDeaths();
    for (std::size_t row = 0; row < participants_.size(); ++row) rows_of_.emplace(participants_.Patient(row), row);
    if (treatment_.Has("drug")) CheckDrugs();
    for (std::size_t row = 0; row < radiotherapy_.size(); ++row) CheckDose(row);
    for (std::size_t row = 0; row < events_.size(); ++row) CheckEvent(row);
  }

 private:
  void ReadDeaths() {
    if (!outcome_.Has("os_event")) return;
    for (std::size_t row = 0; row < outcome_.size(); ++row) {
      const std::string_view died = outcome_.Field(row, "os_event");
      if (died == "0" || died == "1") died_.emplace(outcome_.Patient(row), died == "1");
      const auto day = outcome_.Field(row, "os_day") == kMissing ? std::nullopt : outcome_.Day(row, "os_day");
      if (died == "1" && day) death_day_.emplace(outcome_.Patient(row), *day);
    }
  }

  // The drug of an arm is given to each of its patients and to nobody else.
  void CheckDrugs() {
    std::map<std::string_view, std::set<std::string>> given;
    for (std::size_t row = 0; row < treatment_.size(); ++row) {
      const std::string drug = Small(treatment_.Field(row, "drug"));
      given[treatment_.Patient(row)].insert(drug);
      CheckSpan(treatment_, row);
      for (const auto& [arm, only] : protocol_.drugs)
        if (const std::string_view of = ArmOf(treatment_.Patient(row));
            drug == Small(only) && of != arm && of != kMissing)
          treatment_.Find(Severity::kError, row, "drug", fmt::format("a patient of arm {}", of),
                          fmt::format("{} in arm {} alone", only, arm));
    }
    for (const auto& [patient, row] : rows_of_) {
      const auto drug = protocol_.drugs.find(std::string(ArmOf(patient)));
      if (drug != protocol_.drugs.end() && !given[patient].contains(Small(drug->second)))
        participants_.Find(Severity::kWarning, row, "arm", fmt::format("no {} in treatment.tsv", drug->second),
                           "a row of each dose");
    }
  }

  std::string_view ArmOf(std::string_view patient) {
    const auto row = rows_of_.find(patient);
    return row == rows_of_.end() ? kMissing : participants_.Field(row->second, "arm");
  }

  void CheckDose(std::size_t row) {
    const auto dose = radiotherapy_.Number(row, "dose_gy");
    const auto fractions = radiotherapy_.Number(row, "fractions");
    if (dose && protocol_.dose_gy && *dose != *protocol_.dose_gy)
      radiotherapy_.Find(Severity::kWarning, row, "dose_gy", "not the protocol's dose",
                         fmt::format("{} Gy", *protocol_.dose_gy));
    if (fractions && protocol_.fractions && *fractions != static_cast<double>(*protocol_.fractions))
      radiotherapy_.Find(Severity::kWarning, row, "fractions", "not the protocol's number of fractions",
                         fmt::format("{}", *protocol_.fractions));
  }

  void CheckSpan(CheckRows& rows, std::size_t row) {
    const auto start = rows.Day(row, "start_day");
    const auto end = rows.Day(row, "end_day");
    if (start && end && *end < *start)
      rows.Find(Severity::kError, row, "end_day", fmt::format("ends before its start (day {})", *start),
                "a day from the start on, or n/a");
    const auto death = death_day_.find(rows.Patient(row));
    if (start && death != death_day_.end() && *start > death->second)
      rows.Find(Severity::kError, row, "start_day", "begins after the patient's death", "a day up to the death");
  }

  void CheckEvent(std::size_t row) {
    CheckSpan(events_, row);
    const std::string_view grade = events_.Field(row, "grade");
    if (grade == kMissing) return;
    if (grade.size() != 1 || grade < "1" || grade > "5") {
      events_.Find(Severity::kError, row, "grade", "no CTCAE grade", "1 to 5");
      return;
    }
    const auto died = died_.find(events_.Patient(row));
    if (grade == "5" && died != died_.end() && !died->second)
      events_.Find(Severity::kError, row, "grade", "grade 5 of a patient who is said to live",
                   "death in outcome.tsv, or a lower grade");
  }

  const Protocol& protocol_;
  FindingList known_findings_;  // of days of the outcome: found when it was read
  CheckRows participants_, outcome_, treatment_, radiotherapy_, events_;
  std::map<std::string_view, std::size_t> rows_of_;
  std::map<std::string_view, bool> died_;
  std::map<std::string_view, double> death_day_;
};

}  // namespace

void CheckTreatment(const CheckInput& input, Source& known, Source& source, FindingList& findings) {
  TreatmentCheck(input, known, source, findings).Run();
}

}  // namespace fedtrial::site
