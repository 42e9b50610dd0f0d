#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "site_node/imaging/dicom_sequence.h"
#include "site_node/imaging/dicom_stack.h"

namespace fedtrial::imaging {

struct FoundSeries {
  std::string name;  // its first file, as below the folder, and how many: no identifier of the header
  MriSequence sequence = MriSequence::kT1;
  SliceStack stack;
};

struct RefusedSeries {
  std::string name;
  std::string reason;
};

struct DicomFolder {
  std::vector<FoundSeries> series;
  std::vector<RefusedSeries> refused;  // files that aren't DICOM among them
};

// Every series below the folder, by SeriesInstanceUID, then by acquisition, echo time, orientation, size and image
// type. Order of names: the same folder gives the same answer. kInvalidInput only where the folder can't be read.
Result<DicomFolder> FindDicomSeries(const std::filesystem::path& folder, const SequenceExceptions& exceptions);

// One series a sequence: 3D before 2D, then the thinnest slices, then the latest. Two T1 without a word on contrast and
// no contrast T1 beside them aren't guessed at: both stay out. `choices` says each choice and each doubt.
struct ChosenSeries {
  std::map<MriSequence, const FoundSeries*> series;
  std::vector<std::string> choices;
};
ChosenSeries ChooseSeries(const DicomFolder& folder);

}  // namespace fedtrial::imaging
