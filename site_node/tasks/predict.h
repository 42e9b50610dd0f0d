#pragma once

#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/model.h"
#include "model/samples/sample.h"
#include "proto/plan/plan.h"

namespace fedtrial::site {

// Survival curves by the full model of the plan's last trained block, of the patient of this key or of all (""):
// {"model": hex, "endpoint", "times_days": [0, cuts..], "patients": [{"patient", "risk", "survival": [1, ..],
// "missing": [features], "probabilities": {head: probability of its label, or null}}]}, the last of a network with such
// heads: pseudo-progression is null for a patient without a suspicion. The keys are the site's pseudonyms: the text
// stays at the hospital. Without `volumes` patients are taken as without images. kInvalidInput if there is no such
// patient or the model lacks a tensor that the plan needs.
Result<std::string> Predict(const Plan& plan, const Model& model, const Digest& model_digest, const Cohort& cohort,
                            std::string_view patient, const VolumeSource* volumes = nullptr);

}  // namespace fedtrial::site
