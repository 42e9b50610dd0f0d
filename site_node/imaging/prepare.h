#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/samples/volume.h"
#include "site_node/imaging/atlas.h"
#include "site_node/imaging/quality.h"
#include "site_node/imaging/scan.h"
#include "site_node/imaging/settings.h"

namespace fedtrial::imaging {

// One series as scanned: a .nii or .nii.gz file, or the slices of one DICOM series in any order.
struct SeriesInput {
  MriSequence sequence = MriSequence::kT1;
  std::vector<std::filesystem::path> files;
};

// What every series of a patient is laid onto: the contrast T1 of the first visit, on the atlas' grid.
struct Baseline {
  Scan head;                          // bias corrected, with skull, >= 0
  Scan brain;                         // mask on the same grid
  Transform atlas_to_scan;            // rigid: lesions keep their size
  std::optional<Vec3> lesion_centre;  // a point of atlas space; the cube of every visit lies around it
  BrainQuality quality;
};

struct VisitInput {
  std::vector<SeriesInput> series;              // each sequence at most once
  std::optional<std::filesystem::path> lesion;  // NIfTI mask drawn on this visit's contrast T1
  const Baseline* baseline = nullptr;           // of an earlier visit; null: this is the first
};

struct PreparedSeries {
  Volume volume;          // the cube; z-scores inside the brain, 0 outside; lesion where one was drawn
  Transform to_atlas;     // scan to atlas, rigid, LPS, mm
  Transform to_baseline;  // scan to the baseline's scan
  SeriesQuality quality;
  Digest input{};  // SHA-256 of the file, or over those of the slices
  std::vector<std::string> warnings;
};

struct SeriesResult {
  MriSequence sequence = MriSequence::kT1;
  Result<PreparedSeries> prepared;  // a series that can't be used fails alone, with its reason
};

struct PreparedVisit {
  std::vector<SeriesResult> series;   // in the order of MriSequence
  std::optional<Baseline> baseline;   // where this visit made it
  Bytes picture;                      // PNG: see picture.h
  std::vector<std::string> warnings;  // of the visit: sentences for the data manager
};

// The whole chain of IMAGING for one visit: read, orient, crop, N4, rigid registration to the baseline's contrast T1
// and so to the atlas, brain mask, one cubic resampling to 1 mm, clip and z-score, cube around the lesion. CPU of a
// visit of four 1 mm sequences: about a minute; memory below 1 GB. One thread; the same bytes on every run of a
// machine. Errors: kInvalidInput where the visit as a whole can't be prepared: a first visit without a usable contrast
// T1, a sequence twice, no series that could be used, settings out of bounds.
Result<PreparedVisit> PrepareVisit(const VisitInput& visit, const Atlas& atlas, const ImagingSettings& settings);

}  // namespace fedtrial::imaging
