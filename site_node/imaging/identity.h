#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace fedtrial::imaging {

// The names of the tags in a DICOM file that tell, or may tell, who the patient is: "PatientName (0010,0010)", private
// groups, overlays, structured reports. Never a value. A claim of the file to be anonymous isn't asked. kInvalidInput:
// not a DICOM file.
Result<std::vector<std::string>> IdentityTags(const std::filesystem::path& file);

}  // namespace fedtrial::imaging
