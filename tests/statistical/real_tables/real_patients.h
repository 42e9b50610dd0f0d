#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/samples/sample.h"
#include "proto/plan/plan.h"

namespace fedtrial {

// Tables of real patients as cohorts of a plan that is made for them, for figures beside published references.
struct RealPatients {
  Plan plan;  // a network, block "survival", and the linear block "linear" of all features; repeats x 5 folds
  std::map<std::string, Cohort> sites;
};

// pbcseq at a landmark: who is followed after it, visits up to it alone, day 0 the landmark. One site. Folds are those
// of the folder's reference, its first `repeats`. `last_values`: false: the linear block reads the panel of the first
// visit.
RealPatients PbcseqAt(int landmark_years, unsigned repeats, bool last_values);

// tcga_glioma: clinical values and core markers of each hospital with at least `min_patients`, all the others together
// as one. `lower_grade`: without glioblastoma. Folds dealt by row, stratified by event.
RealPatients TcgaGlioma(bool lower_grade, unsigned repeats, std::size_t min_patients);

}  // namespace fedtrial
