#include "site_node/cohort/panels.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace fedtrial::site {
namespace {

struct Entry {
  std::size_t panel = 0;
  double day = 0.0;
  PanelValue value;
};

}  // namespace

double TransformAndClip(const Feature& feature, double raw, CohortReading& reading) {
  const double value = feature.transform == Transform::kLog1p ? std::log1p(raw) : raw;
  if (value >= feature.low && value <= feature.high) return value;
  ++reading.clipped[feature.name];
  return std::clamp(value, feature.low, feature.high);
}

PanelFiller::PanelFiller(const Plan& plan, const std::vector<LongTable>& tables, FindingList& findings)
    : plan_(plan), tables_(tables), findings_(findings), place_(plan.features.size()) {
  const std::vector<const Block*> panels = plan.Panels();
  for (std::size_t p = 0; p < panels.size(); ++p)
    for (std::size_t a = 0; a < panels[p]->features.size(); ++a) place_[panels[p]->features[a]] = std::pair{p, a};
  for (const LongTable& table : tables) {
    std::vector<std::size_t>& starts = starts_.emplace_back(table.spoiled.size() + 1, 0);
    for (const Measurement& measurement : table.measurements) ++starts[measurement.patient + 1];
    for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  }
}

PanelFiller::Slice PanelFiller::SliceOf(std::size_t table, std::size_t patient) const {
  const Measurement* first = tables_[table].measurements.data();
  return {first + starts_[table][patient], first + starts_[table][patient + 1]};
}

bool PanelFiller::IsUsable(const LongTable& table, std::size_t patient, const Slice& slice,
                           const Sample& sample) const {
  if (table.spoiled[patient]) return false;
  if (!sample.course || !sample.course->died) return true;
  const auto* late =
      std::find_if(slice.begin, slice.end, [&](const Measurement& m) { return m.day > sample.course->last_day; });
  if (late == slice.end) return true;
  findings_.Add({.file = table.table->file,
                 .line = table.table->lines[late->row],
                 .column = table.day.column + 1,
                 .name = std::string(table.table->header[table.day.column]),
                 .value = std::string(table.table->field(late->row, table.day.column)),
                 .message = "a visit after the patient's death",
                 .wanted = "a day up to the death"});
  return false;
}

void PanelFiller::FillFeatures(const Slice& slice, Sample& sample, CohortReading& reading) const {
  std::vector<Entry> entries;
  for (const Measurement* m = slice.begin; m != slice.end; ++m) {
    const double value = TransformAndClip(plan_.features[m->feature], m->value, reading);
    if (m->day <= 0.0) sample.features[m->feature] = value;  // by day: the last one stays
    if (const auto& place = place_[m->feature])
      entries.push_back({place->first, m->day, {place->second, value, m->below_detection}});
  }
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::make_tuple(e.panel, e.day, e.value.analyte); });
  for (const Entry& entry : entries) {
    std::vector<PanelVisit>& visits = sample.panel_visits;
    if (visits.empty() || visits.back().panel != entry.panel || visits.back().day != entry.day)
      visits.push_back({entry.panel, entry.day, {}});
    visits.back().values.push_back(entry.value);
  }
}

void PanelFiller::Fill(std::size_t patient, Sample& sample, CohortReading& reading) const {
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const Slice slice = SliceOf(t, patient);
    if (IsUsable(tables_[t], patient, slice, sample)) {
      FillFeatures(slice, sample, reading);
      continue;
    }
    for (const Block& block : plan_.blocks)
      if (std::ranges::any_of(block.features, [&](std::size_t i) {
            return plan_.features[i].IsLong() && plan_.features[i].Table() == tables_[t].name;
          }))
        ++reading.left_out_of[block.name];
  }
  // Panels of several tables were filled table by table.
  std::ranges::stable_sort(sample.panel_visits, {},
                           [](const PanelVisit& visit) { return std::make_pair(visit.panel, visit.day); });
}

}  // namespace fedtrial::site
