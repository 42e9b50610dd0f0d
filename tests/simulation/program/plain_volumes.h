#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "model/samples/volume.h"
#include "proto/plan/plan.h"
#include "site_node/cohort/prepared_visits.h"

namespace fedtrial::sim {

// The prepared volumes of a site folder (derivatives/preproc) as they lie there, where a real site reads its sealed
// cache. A volume's key is its file's path, so one source serves all folders.
class PlainVisits : public site::PreparedVisits {
 public:
  explicit PlainVisits(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::map<MriSequence, std::string> Of(const std::string& subject, const std::string& session) const override;

 private:
  std::filesystem::path folder_;
};

// Loads what PlainVisits names, as the plan's [imaging] wants it; a lesion mask is read where one lies beside. Without
// ITK in this program every volume is kInvalidInput.
std::unique_ptr<VolumeSource> OpenPlainVolumes(const ImagingRules& rules);

}  // namespace fedtrial::sim
