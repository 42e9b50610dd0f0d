#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "site_node/cohort/visit_files.h"
#include "site_node/imaging/prepare.h"

namespace fedtrial::site {

// A visit's scans, ready to be read: its series in the order of their sequence, one a sequence.
struct FoundVisit {
  imaging::VisitInput input;
  std::vector<std::string> notes;  // choices among series, refused ones: sentences without identifiers
};
// NIfTI goes before DICOM of the same sequence. kInvalidInput: nothing of it is a series, or the exceptions file
// (sourcedata/sequences.tsv) can't be read.
Result<FoundVisit> FindSeries(const VisitFiles& files, const std::filesystem::path& data_folder);

// Digests of the contents in the order that PreparationKey takes: per series its sequence and bytes, then the lesion.
Result<std::vector<Digest>> ContentDigests(const imaging::VisitInput& input);

}  // namespace fedtrial::site
