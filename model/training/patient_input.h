#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "model/params/network_shape.h"
#include "model/samples/sample.h"
#include "model/survival/discrete_hazard.h"
#include "model/survival/illness_death.h"
#include "model/survival/scaling.h"
#include "model/training/training_settings.h"

namespace fedtrial {

// From a Sample to what a network is told of a patient at a landmark. Nothing that is dated after the landmark gets
// past this file: not as a value, not as the change of another, not as a count. A head with a day of its own
// (pseudo-progression) reads up to that day instead, and no other head what it alone may see.

// Where a network finds its inputs and labels. In the order of NetworkShape's statics, panels and heads.
struct InputMap {
  struct Statics {
    std::vector<std::size_t> features;  // indices into Sample::features
    Scaling scaling;                    // of these features
  };
  struct Panel {
    std::size_t index = 0;  // into Cohort::panels
    Scaling scaling;        // by analyte
  };
  struct Head {
    std::vector<double> cuts_days;     // ends of the bins, from the landmark; empty without bins
    std::optional<std::size_t> label;  // kMethylation, kBinary: the feature that is 0 or 1
    std::optional<std::size_t> share;  // kMethylation: the feature that is the share methylated, in percent, 0 to 100
    bool suspicion = false;            // kBinary: predicts Suspicion::pseudo, at the day of the scan and no landmark
  };
  std::vector<Statics> statics;
  std::vector<Panel> panels;
  std::vector<Head> heads;
};

// What is known of a volume once it was read: the encoder's token, and the lesion's figures about its kLesionCentre.
struct SeenVolume {
  std::vector<double> token;
  std::optional<LesionFigures> lesion;
};
using VolumeTokens = std::map<std::string, SeenVolume>;  // by VolumeId::key

struct PanelInput {
  struct Value {
    std::size_t analyte = 0;
    double value = 0.0;   // scaled
    double change = 0.0;  // since the patient's first of this analyte, in deviations
    bool below_detection = false;
  };
  double day = 0.0;
  std::vector<Value> values;
};

struct BinaryTarget {
  std::optional<double> label;  // 0 or 1
  std::optional<double> logit;  // of the share methylated, kept within 0.5 % and 99.5 %
};
// What a patient can teach a head: nothing, a place on the grid of its endpoint, a course, or a label.
using PatientTarget = std::variant<std::monostate, GridPlace, CoursePlace, BinaryTarget>;

struct PatientInput {
  struct Statics {
    std::vector<double> values;  // scaled, 0 where missing
    std::vector<bool> measured;
    bool present() const { return std::ranges::find(measured, true) != measured.end(); }
  };
  struct Head {
    PatientTarget target;
    std::optional<double> last_day;  // of inputs it may see, and what it takes for the landmark; nothing: all, and
                                     // the patient's
    bool labelled() const { return target.index() != 0; }
  };
  double landmark_day = 0.0;
  std::vector<Statics> statics;
  std::vector<std::vector<PanelInput>> panels;  // by panel, then by day
  std::vector<VolumeId> volumes;                // empty without an image block
  std::vector<Head> heads;
};

// kInvalidInput if the map doesn't fit the shape: other counts, a feature out of range, scalings of another width, a
// deviation that isn't > 0, cuts that aren't the head's bins, a label in a block that its head sees.
Status CheckInputMap(const NetworkShape& shape, const InputMap& map, const Cohort& cohort);

// landmark_day >= 0 and, for a head of kIllnessDeath, a multiple of 28. The map has passed CheckInputMap. kInvalidInput
// on a value that is infinite, a label that isn't 0 or 1, a course that contradicts itself, a suspicion before day 0.
Result<PatientInput> InputOf(const NetworkShape& shape, const InputMap& map, const Sample& sample, double landmark_day);

// As if none of the modalities that `hidden` names had been measured; labels stay.
PatientInput Without(const NetworkShape& shape, PatientInput input,
                     const std::function<bool(std::string_view)>& hidden);

// What a head may see of a patient, as if the rest had never been measured: hidden blocks and inputs after its last day
// are gone, so that no bit of its answer can depend on them.
PatientInput SeenBy(const NetworkShape& shape, std::size_t head, PatientInput input);

// The same with modalities and visits left out by `random` alone.
PatientInput WithDropout(const NetworkShape& shape, PatientInput input, const InputDropout& dropout, Random& random);

// Patients who fill each block (NetworkBlocks): of a modality those who have it by the last day of a head with a label,
// of its missing token those who lack it
// or, with modality dropout, all; of a head those with a label, of a linear skip those with label and values; of the
// fusion those with any label. A patient without any label counts nowhere.
std::map<std::string, std::size_t> PatientsPerBlock(const NetworkShape& shape, std::span<const PatientInput> inputs,
                                                    bool modality_dropout);

// Labels of each head.
std::vector<std::size_t> LabelsPerHead(const NetworkShape& shape, std::span<const PatientInput> inputs);

}  // namespace fedtrial
