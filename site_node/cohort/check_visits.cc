#include <fmt/format.h>
#include <map>
#include <set>

#include "site_node/cohort/checks.h"

namespace fedtrial::site {

void CheckVisits(const CheckInput& input, FindingList& findings) {
  for (const Sample& sample : input.reading.cohort.samples) {
    std::map<double, std::set<MriSequence>> visits;  // by day
    for (const VolumeId& volume : sample.volumes) visits[volume.day].insert(volume.sequence);
    for (const auto& [day, sequences] : visits) {
      std::vector<std::string_view> missing;
      for (std::size_t s = 0; s < kMriSequences; ++s)
        if (const auto sequence = static_cast<MriSequence>(s); !sequences.contains(sequence))
          missing.push_back(ToString(sequence));
      if (missing.empty()) continue;
      findings.Add({.severity = Severity::kNote,
                    .file = fmt::format("sub-{}", sample.key),
                    .line = 0,
                    .column = 0,
                    .name = "",
                    .value = "",
                    .message = fmt::format("the scans of day {} have no {}", day, fmt::join(missing, ", ")),
                    .wanted = "all four sequences; the network reads what there is"});
    }
  }
}

}  // namespace fedtrial::site
