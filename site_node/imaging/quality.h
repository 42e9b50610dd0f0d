#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "site_node/imaging/geometry.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// How well the brain of a baseline was found. Limits are proposals, not calibrated on patients.
struct BrainQuality {
  double mask_ml = 0.0;         // 900..2000
  Vec3 affine_scale{};          // atlas to head along x, y, z: 0.7..1.4
  double atlas_likeness = 0.0;  // correlation of head and atlas inside the mask, 4 mm, -1..1
  double rotation_deg = 0.0;    // of the head in the scanner against the atlas
  double head_overlap = 0.0;    // Dice of head masks, affine, 0..1
  double information_before = 0.0, information_after = 0.0;  // nats: as scanned, affine
};

struct SeriesQuality {
  Vec3 spacing_mm{};  // as scanned
  double signal_to_noise = 0.0;
  double rotation_deg = 0.0;                                 // against the baseline's scan
  double shift_mm = 0.0;                                     // of the brain's centre, against the baseline's scan
  double information_before = 0.0, information_after = 0.0;  // nats
  double box_overlap = 0.0;                                  // of the head boxes, 0..1
  double head_overlap = 0.0;                                 // Dice of the head masks where both were scanned, 0..1
  double covered = 0.0;                                      // share of the brain mask that the series reaches, 0..1
};

// What makes a visit or a series unusable, with its bound; kInvalidInput.
Status CheckBrain(const BrainQuality& quality);
Status CheckSeries(const SeriesQuality& quality, bool same_session);

// What a person should look at.
std::vector<std::string> SeriesWarnings(const SeriesQuality& quality);

// Correlation of two scans on one grid inside a mask, where both are finite; 0 where one is constant.
double Correlation(const Scan& one, const Scan& other, const Scan& mask);
double MaskMillilitres(const Scan& mask);

}  // namespace fedtrial::imaging
