#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "site_node/cohort/cohort.h"
#include "site_node/cohort/measurements.h"

namespace fedtrial::site {

// Puts the measurements of long tables into samples: every visit of each panel, and as the feature's own value the last
// one up to day 0, so that blocks of one row a patient may read it without looking ahead.
class PanelFiller {
 public:
  PanelFiller(const Plan& plan, const std::vector<LongTable>& tables, FindingList& findings);

  // `patient` as in Measurement; features and panel_visits of `sample` are filled, counts go to `reading`. A patient
  // with a bad row, or a visit after his death, is left out of the blocks that read the table.
  void Fill(std::size_t patient, Sample& sample, CohortReading& reading) const;

 private:
  struct Slice {
    const Measurement* begin = nullptr;
    const Measurement* end = nullptr;
  };
  bool IsUsable(const LongTable& table, std::size_t patient, const Slice& slice, const Sample& sample) const;
  void FillFeatures(const Slice& slice, Sample& sample, CohortReading& reading) const;
  Slice SliceOf(std::size_t table, std::size_t patient) const;

  const Plan& plan_;
  const std::vector<LongTable>& tables_;
  FindingList& findings_;
  std::vector<std::vector<std::size_t>> starts_;  // per table: where each patient's measurements begin, and the end
  std::vector<std::optional<std::pair<std::size_t, std::size_t>>> place_;  // of each feature: panel and analyte
};

// transform(raw), clipped to the feature's range; a clipped one is counted.
double TransformAndClip(const Feature& feature, double raw, CohortReading& reading);

}  // namespace fedtrial::site
