#include "site_node/cohort/gate.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace fedtrial::site {
namespace {

std::size_t LeftOut(const CohortReading& reading, const std::string& task) {
  const auto found = reading.left_out_of.find(task);
  return found == reading.left_out_of.end() ? 0 : found->second;
}

void AddLandmarks(const Plan& plan, const CohortReading& reading, Gate& gate) {
  const Endpoint& endpoint = plan.endpoints.front();  // whose times the samples have
  for (const double landmark : endpoint.landmarks) {
    const auto at_risk = std::ranges::count_if(reading.cohort.samples, [landmark](const Sample& sample) {
      return !sample.holds_out && sample.time_days > landmark;
    });
    gate.tasks.push_back({fmt::format("endpoint.{}, landmark day {}", endpoint.name, landmark), "landmark",
                          static_cast<std::size_t>(at_risk), LeftOut(reading, "endpoint." + endpoint.name)});
  }
}

}  // namespace

Gate GateOf(const Plan& plan, const CohortReading& reading) {
  Gate gate;
  gate.contributes = reading.summary.patients >= plan.cohort.min_patients;
  std::vector<const Block*> modalities;
  for (const Block& block : plan.blocks) {
    const auto patients = reading.summary.patients_per_block.find(block.name);
    gate.tasks.push_back({block.name, std::string(ToString(block.kind)),
                          patients == reading.summary.patients_per_block.end() ? 0 : patients->second,
                          LeftOut(reading, block.name)});
    if (!IsModality(block.kind)) continue;
    gate.modalities.push_back(block.name);
    modalities.push_back(&block);
  }
  AddLandmarks(plan, reading, gate);
  std::map<std::vector<bool>, std::size_t> patterns;
  for (const Sample& sample : reading.cohort.samples) {
    if (sample.holds_out || modalities.empty()) continue;
    std::vector<bool> has;
    for (const Block* block : modalities) has.push_back(Fills(plan, *block, sample));
    ++patterns[has];
  }
  for (const auto& [has, patients] : patterns) gate.patterns.push_back({has, patients});
  std::ranges::stable_sort(gate.patterns, std::greater<>(), &ModalityPattern::patients);
  return gate;
}

std::string Suppressed(std::size_t count, std::size_t min_cell) {
  if (count > 0 && count < min_cell) return fmt::format("<{}", min_cell);
  return fmt::format("{}", count);
}

}  // namespace fedtrial::site
