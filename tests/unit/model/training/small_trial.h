#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/params/network_shape.h"
#include "model/samples/sample.h"
#include "model/training/network_trainer.h"
#include "model/training/patient_input.h"

namespace fedtrial {

// A trial with every kind of block and head, small enough for tests. Features: 0-2 clinical, 3 methylated and 4 its
// percentage (block mgmt), 5 the arm. Some have a suspicious scan on day 54. Panels: cytokine of 3
// analytes and methylome of 2, which the head "methylation" may not see, no more than mgmt.
enum SmallHead : std::size_t { kOs, kCourse, kMethyl, kPseudo, kProfile };
NetworkShape SmallShape();
InputMap SmallMap();

// Patients from a fixed rule and a seed: some lack a modality, a label or the course; scans every 56 days.
Cohort SmallCohort(std::size_t patients, std::uint64_t seed);

// A start model; `stirred` adds noise to every tensor, so that each one matters to every answer.
std::map<std::string, Tensor> SmallModel(const NetworkShape& shape, ScalarType type, std::uint64_t seed, bool stirred);

// Volumes of 16^3 voxels from a rule of the key; every third has no lesion mask. Counts what is loaded.
class RuleVolumes : public VolumeSource {
 public:
  Result<Volume> Load(const VolumeId& id) const override;
  mutable std::size_t loaded = 0;
};

std::vector<PatientInput> InputsOf(const NetworkShape& shape, const InputMap& map, const Cohort& cohort,
                                   double landmark_day);

// All blocks are trained; counts as if this site were all.
NetworkTask TaskOf(const NetworkShape& shape, const InputMap& map, const std::map<std::string, Tensor>& model,
                   std::span<const PatientInput> inputs);

}  // namespace fedtrial
