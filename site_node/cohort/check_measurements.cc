#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

#include "site_node/cohort/checks.h"
#include "site_node/cohort/numbers.h"

namespace fedtrial::site {
namespace {

// A value this many times the patient's own median, or so small a part of it, is another unit rather than biology.
constexpr double kJumpFrom = 300.0, kJumpTo = 3000.0;
constexpr std::size_t kPlateValues = 8;  // fewer say nothing of a plate
constexpr double kPlateRatio = 3.0;      // between the geometric means of a plate and of the others

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double Transformed(const Feature& feature, double value) {
  return feature.transform == Transform::kLog1p ? std::log1p(value) : value;
}

class MeasurementCheck {
 public:
  MeasurementCheck(const Plan& plan, const LongTable& table, FindingList& findings)
      : plan_(plan), table_(table), findings_(findings) {}

  void Run() {
    FindJumps();
    std::map<std::size_t, std::vector<double>> values;  // by feature
    for (const Measurement& m : table_.measurements)
      if (!m.below_detection) values[m.feature].push_back(m.value);
    for (auto& [feature, all] : values) FindOtherUnit(plan_.features[feature], std::move(all));
    if (table_.specimen.table != nullptr) FindSpecimens();
    if (table_.plate.table != nullptr) FindPlates();
  }

 private:
  void FindJumps() {
    const std::vector<Measurement>& all = table_.measurements;  // by patient, feature, day
    for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
      std::vector<double> values;
      for (end = begin;
           end < all.size() && all[end].patient == all[begin].patient && all[end].feature == all[begin].feature; ++end)
        values.push_back(all[end].value);
      if (values.size() < 3) continue;
      const double median = Median(std::move(values));
      for (std::size_t i = begin; i < end; ++i) {
        const double ratio = all[i].value > median ? all[i].value / median : median / all[i].value;
        if (median > 0.0 && all[i].value > 0.0 && ratio > kJumpFrom && ratio < kJumpTo)
          Blame(all[i].row, fmt::format("about a thousand times {} than this patient's other values",
                                        all[i].value > median ? "more" : "less"));
      }
    }
  }

  void Blame(std::size_t row, std::string message) {
    findings_.Add({.severity = Severity::kWarning,
                   .file = table_.table->file,
                   .line = table_.table->lines[row],
                   .column = table_.value.column + 1,
                   .name = std::string(table_.table->header[table_.value.column]),
                   .value = std::string(table_.table->field(row, table_.value.column)),
                   .message = std::move(message),
                   .wanted = "the unit that the value was measured in"});
  }

  void TellOfTheTable(std::string name, std::string message, std::string wanted) {
    findings_.Add({.severity = Severity::kWarning,
                   .file = table_.table->file,
                   .line = 0,
                   .column = 0,
                   .name = std::move(name),
                   .value = "",
                   .message = std::move(message),
                   .wanted = std::move(wanted)});
  }

  void FindOtherUnit(const Feature& feature, std::vector<double> values) {
    const double median = Transformed(feature, Median(std::move(values)));
    if (median >= feature.low && median <= feature.high) return;
    TellOfTheTable(feature.analyte, "more than half of the values lie outside the plan's range: is the unit right?",
                   fmt::format("{} to {}, {}{}", feature.low, feature.high,
                               feature.transform == Transform::kLog1p ? "logarithms of 1 + " : "", feature.unit));
  }

  // Clotting frees cytokines: levels in serum and in plasma aren't those of one quantity.
  void FindSpecimens() {
    std::map<std::uint32_t, std::map<std::string_view, std::size_t>> values;  // by feature, then specimen
    for (const Measurement& m : table_.measurements) {
      const std::string_view specimen = table_.table->field(m.row, table_.specimen.column);
      if (!specimen.empty() && specimen != kMissing) ++values[m.feature][specimen];
    }
    for (const auto& [feature, by_specimen] : values) {
      if (by_specimen.size() < 2) continue;
      std::vector<std::string> kinds;
      for (const auto& [specimen, count] : by_specimen) kinds.push_back(fmt::format("{} of {}", count, specimen));
      TellOfTheTable(plan_.features[feature].analyte,
                     fmt::format("values of more than one specimen: {}", fmt::join(kinds, ", ")),
                     "one kind of specimen an analyte: what is measured differs between them");
    }
  }

  // Geometric mean of each plate against that of the others, analyte by analyte; a plate of two kits.
  void FindPlates() {
    struct Logs {
      double sum = 0.0;
      std::size_t values = 0;
    };
    std::map<std::uint32_t, std::map<std::string_view, Logs>> plates;  // by feature, then plate
    std::map<std::string_view, std::string_view> kit_of;
    for (const Measurement& m : table_.measurements) {
      const std::string_view plate = table_.table->field(m.row, table_.plate.column);
      if (plate.empty() || plate == kMissing) continue;
      if (table_.kit.table != nullptr) {
        const std::string_view kit = table_.table->field(m.row, table_.kit.column);
        const auto [known, first] = kit_of.emplace(plate, kit);
        if (!first && known->second != kit && known->second != "") {
          TellOfTheTable("plate", fmt::format("plate {} is of kit {} and of kit {}", plate, known->second, kit),
                         "one kit a plate");
          known->second = "";  // said once
        }
      }
      if (m.value <= 0.0 || m.below_detection) continue;
      Logs& logs = plates[m.feature][plate];
      logs.sum += std::log(m.value);
      ++logs.values;
    }
    for (const auto& [feature, by_plate] : plates) {
      Logs all;
      for (const auto& [plate, logs] : by_plate) all = {all.sum + logs.sum, all.values + logs.values};
      for (const auto& [plate, logs] : by_plate) {
        const std::size_t others = all.values - logs.values;
        if (logs.values < kPlateValues || others < kPlateValues) continue;
        const double difference =
            logs.sum / static_cast<double>(logs.values) - (all.sum - logs.sum) / static_cast<double>(others);
        if (std::abs(difference) > std::log(kPlateRatio))
          TellOfTheTable(plan_.features[feature].analyte,
                         fmt::format("the geometric mean of plate {} is {:.1f} times that of the others", plate,
                                     std::exp(difference)),
                         fmt::format("at most {} times more or less", kPlateRatio));
      }
    }
  }

  const Plan& plan_;
  const LongTable& table_;
  FindingList& findings_;
};

}  // namespace

void CheckMeasurements(const CheckInput& input, FindingList& findings) {
  for (const LongTable& table : input.tables) MeasurementCheck(input.plan, table, findings).Run();
}

}  // namespace fedtrial::site
