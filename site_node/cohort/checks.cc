#include "site_node/cohort/checks.h"

namespace fedtrial::site {

void RunAllChecks(const CheckInput& input, FindingList& findings) {
  CheckMeasurements(input, findings);
  CheckVisits(input, findings);
  // Tables that no sample is made of: one that can't be read hurts nothing else.
  Problems problems;
  Source source(input.folder, input.options, problems, findings);
  CheckResponse(input, source, findings);
  Problems known_problems;
  FindingList known_findings;
  Source known(input.folder, input.options, known_problems, known_findings);
  CheckTreatment(input, known, source, findings);
  for (const Problem& problem : problems.list())
    findings.Add({.file = problem.file,
                  .line = problem.line,
                  .column = problem.column,
                  .name = problem.key,
                  .value = "",
                  .message = problem.message,
                  .wanted = ""});
}

}  // namespace fedtrial::site
