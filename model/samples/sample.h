#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "model/samples/volume.h"

namespace fedtrial {

// One analyte of a panel at one visit.
struct PanelValue {
  std::size_t analyte = 0;       // place among the panel's features, in the plan's order
  double value = 0.0;            // in the plan's unit, transformed and clipped as the plan says; finite
  bool below_detection = false;  // then value is of detection limit / sqrt 2
};

// What one panel (cytokines, immune counts, exosomes, laboratory) measured of a patient on one day.
struct PanelVisit {
  std::size_t panel = 0;           // index into Cohort::panels
  double day = 0.0;                // from the first fraction of radiotherapy; finite, may be negative
  std::vector<PanelValue> values;  // not empty, by analyte, each at most once; what wasn't measured isn't there
};

// The course of an illness-death model: 0 alive without recurrence, 1 recurred, 2 dead. Days from the first fraction.
struct Course {
  double last_negative_day = 0.0;        // of the last scan without recurrence, >= 0
  std::optional<double> recurrence_day;  // first evidence of recurrence, > last_negative_day
  double last_day = 0.0;                 // of death, or of the last contact; >= recurrence_day
  bool died = false;
};

// The first scan after day 0 that looked like progression. Days from the first fraction.
struct Suspicion {
  double day = 0.0;            // of the scan, > 0
  std::optional<bool> pseudo;  // as later scans or histology settled it; nothing: not settled
};

// One patient as numbers: units, detection limits and day offsets are settled, nothing is scaled.
struct Sample {
  std::string key;                       // the site's pseudonym: never leaves the site, never in a log
  std::vector<double> features;          // of one row a patient, in the plan's order, raw; NaN is missing
  double time_days = 0.0;                // from the trial's day 0 to the event or the last contact; finite, >= 0
  bool event = false;                    // false: censored at time_days
  std::vector<int> folds;                // the fold (1..K) of each repeat; empty without cross-validation
  bool holds_out = false;                // in the published test split: never trained on
  std::vector<PanelVisit> panel_visits;  // by panel, then by day; a day at most once a panel
  std::vector<VolumeId> volumes;         // by day, then by sequence
  std::optional<Course> course;          // where the plan asks for it and the tables have it
  std::optional<Suspicion> suspicion = std::nullopt;  // as course
};

// Measurements that come together, a token a visit: a block of the plan of that kind.
struct Panel {
  std::string name;                   // the block's
  std::vector<std::string> analytes;  // the block's features, in its order
};

struct Cohort {
  std::vector<std::string> feature_names;  // as many as each sample has features
  std::vector<Panel> panels;
  std::vector<Sample> samples;
};

// All that the core learns of a cohort. Not for the coordinator: its counts are of one site.
struct CohortSummary {
  std::size_t patients = 0;
  std::size_t events = 0;
  std::map<std::string, std::size_t> patients_per_block;  // those with a value of the block
  Digest digest{};                                        // of the tables as read
};

}  // namespace fedtrial
