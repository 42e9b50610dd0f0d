#pragma once

#include <string>

#include "site_node/imaging/prepare.h"

namespace fedtrial::imaging {

// {"from": "T1w", "to": "atlas", "space": "LPS", "unit": "mm", "matrix": 4 rows of 4}: maps a point of `from` to `to`.
std::string TransformJson(const Transform& map, std::string_view from, std::string_view to);

// Everything said of a prepared visit: chain version, digests of settings and atlas, and per series its input's
// digest, transforms, quality figures, warnings, or why it failed. No name, date or text of a header.
std::string VisitJson(const PreparedVisit& visit, const ImagingSettings& settings);

}  // namespace fedtrial::imaging
