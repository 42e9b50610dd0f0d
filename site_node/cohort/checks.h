#pragma once

#include <filesystem>
#include <vector>

#include "site_node/cohort/cohort.h"
#include "site_node/cohort/days.h"
#include "site_node/cohort/measurements.h"

namespace fedtrial::site {

// What `check` looks at beside the samples; of this room alone. One file per group.
struct CheckInput {
  const Plan& plan;
  const std::filesystem::path& folder;
  const CohortOptions& options;
  const std::vector<LongTable>& tables;
  const CohortReading& reading;
  const DayReader& days;
};

void RunAllChecks(const CheckInput& input, FindingList& findings);

// Jumps by a thousand (pg for ng), medians outside the plan's range, serum beside plasma, plates and kits that differ.
void CheckMeasurements(const CheckInput& input, FindingList& findings);
// phenotype/response.tsv: early progression and pseudo-progression need their confirmation, criteria their version,
// volumes and sums of products fit each other.
void CheckResponse(const CheckInput& input, Source& source, FindingList& findings);
// The scans of a visit that aren't there.
void CheckVisits(const CheckInput& input, FindingList& findings);
// phenotype/treatment.tsv, rt.tsv and ae.tsv: arms and their drug, the protocol's dose, grades and deaths. `known`
// opens the tables of one row a patient, whose own faults have been told.
void CheckTreatment(const CheckInput& input, Source& known, Source& source, FindingList& findings);

}  // namespace fedtrial::site
