#include "tests/simulation/program/plain_volumes.h"

#include "site_node/cohort/visit_files.h"

namespace fedtrial::sim {

std::map<MriSequence, std::string> PlainVisits::Of(const std::string& subject, const std::string& session) const {
  std::map<MriSequence, std::string> keys;
  for (const auto& [sequence, file] : site::FindVisitFiles(folder_, subject, session).prepared)
    keys[sequence] = file.string();
  return keys;
}

}  // namespace fedtrial::sim
