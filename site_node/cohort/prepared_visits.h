#pragma once

#include <map>
#include <string>

#include "model/samples/volume.h"

namespace fedtrial::site {

// What of a folder's scans can be read as volumes: at a site what `prepare` has put into its cache.
class PreparedVisits {
 public:
  virtual ~PreparedVisits() = default;
  // Of one visit ("sub-p001", "ses-BL"): the key of each of its volumes, as the VolumeSource beside it knows them.
  virtual std::map<MriSequence, std::string> Of(const std::string& subject, const std::string& session) const = 0;
};

}  // namespace fedtrial::site
