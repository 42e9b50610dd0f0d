#include "model/training/patient_input.h"

#include <cmath>
#include <fmt/format.h>

#include "security/crypto/seeded_random.h"

namespace fedtrial {
namespace {

constexpr double kSmallestShare = 0.005;  // of methylation, whose logit is taken

Error Wrong(std::string what) { return {ErrorCode::kInvalidInput, "inputs: " + std::move(what)}; }

Status CheckScaling(std::string_view block, const Scaling& scaling, std::size_t wanted) {
  RETURN_IF_ERROR(CheckValues(fmt::format("inputs: means of \"{}\"", block), scaling.mean, wanted));
  RETURN_IF_ERROR(CheckValues(fmt::format("inputs: deviations of \"{}\"", block), scaling.deviation, wanted));
  for (const double deviation : scaling.deviation)
    if (!(deviation > 0.0)) return Wrong(fmt::format("a deviation of \"{}\" is {}, wanted > 0", block, deviation));
  return {};
}

// A label among the values that its own head sees would be read, not predicted.
Status CheckLabelIsHidden(const NetworkShape& shape, const InputMap& map, std::size_t head) {
  for (std::size_t s = 0; s < map.statics.size(); ++s) {
    if (Hides(shape.heads[head], shape.statics[s].name)) continue;
    for (const std::size_t feature : map.statics[s].features)
      if (feature == map.heads[head].label || feature == map.heads[head].share)
        return Wrong(fmt::format("head \"{}\" sees its own label in \"{}\", which it must hide", shape.heads[head].name,
                                 shape.statics[s].name));
  }
  return {};
}

Status CheckHead(const HeadShape& shape, const InputMap::Head& head, std::size_t features) {
  if (head.cuts_days.size() != shape.bins)
    return Wrong(fmt::format("head \"{}\" has {} bins and {} cuts", shape.name, shape.bins, head.cuts_days.size()));
  if (head.suspicion && (shape.kind != HeadKind::kBinary || head.label || head.share))
    return Wrong(fmt::format("head \"{}\" predicts a suspicion's outcome and something else", shape.name));
  for (const auto& feature : {head.label, head.share})
    if (feature && *feature >= features)
      return Wrong(fmt::format("head \"{}\" wants feature {} of {}", shape.name, *feature, features));
  if (shape.kind == HeadKind::kIllnessDeath) {
    const auto grid = StepGrid::FromCuts(head.cuts_days);
    if (!grid.ok()) return grid.error().In(shape.name);
  } else if (shape.bins > 0) {
    const auto grid = Grid::FromCuts(head.cuts_days);
    if (!grid.ok()) return grid.error().In(shape.name);
  }
  return {};
}

double ScaledValue(const Scaling& scaling, std::size_t j, double raw) {
  return (raw - scaling.mean[j]) / scaling.deviation[j];
}

Result<PatientInput::Statics> StaticsOf(const InputMap::Statics& map, const Sample& sample) {
  PatientInput::Statics statics;
  for (std::size_t j = 0; j < map.features.size(); ++j) {
    if (map.features[j] >= sample.features.size())
      return Wrong(
          fmt::format("a patient has {} features, wanted feature {}", sample.features.size(), map.features[j]));
    const double raw = sample.features[map.features[j]];
    if (std::isinf(raw)) return Wrong(fmt::format("feature {} is infinite", map.features[j]));
    statics.measured.push_back(!std::isnan(raw));
    statics.values.push_back(std::isnan(raw) ? 0.0 : ScaledValue(map.scaling, j, raw));
  }
  return statics;
}

Result<std::vector<PanelInput>> PanelOf(const InputMap::Panel& map, const Sample& sample, double last_day) {
  const std::size_t analytes = map.scaling.mean.size();
  std::vector<std::optional<double>> first(analytes);
  std::vector<PanelInput> visits;
  for (const PanelVisit& visit : sample.panel_visits) {  // by day
    if (visit.panel != map.index || !(visit.day <= last_day)) continue;
    PanelInput input{.day = visit.day, .values = {}};
    for (const PanelValue& each : visit.values) {
      if (each.analyte >= analytes)
        return Wrong(fmt::format("a visit has analyte {} of a panel of {}", each.analyte, analytes));
      if (!std::isfinite(each.value)) return Wrong(fmt::format("analyte {} isn't finite", each.analyte));
      const double value = ScaledValue(map.scaling, each.analyte, each.value);
      if (!first[each.analyte]) first[each.analyte] = value;
      input.values.push_back({each.analyte, value, value - *first[each.analyte], each.below_detection});
    }
    visits.push_back(std::move(input));
  }
  return visits;
}

Result<PatientTarget> EndpointTarget(const InputMap::Head& map, const Sample& sample, double landmark_day) {
  if (!(sample.time_days > landmark_day) && landmark_day > 0.0) return PatientTarget{};  // not at risk any more
  ASSIGN_OR_RETURN(const Grid grid, Grid::FromCuts(map.cuts_days));
  return PatientTarget{grid.PlaceOf({sample.time_days - landmark_day, sample.event})};
}

Result<PatientTarget> CourseTarget(const InputMap::Head& map, const Sample& sample, double landmark_day) {
  if (!sample.course) return PatientTarget{};
  const double step = landmark_day / kStepDays;
  if (step != std::floor(step))
    return Wrong(fmt::format("the landmark is at {} days, wanted a multiple of {}", landmark_day, kStepDays));
  ASSIGN_OR_RETURN(const StepGrid grid, StepGrid::FromCuts(map.cuts_days));
  const Course& course = *sample.course;
  ASSIGN_OR_RETURN(const auto place,
                   PlaceCourse(grid, {course.last_negative_day, course.recurrence_day, course.last_day, course.died},
                               static_cast<std::size_t>(step)));
  return place ? PatientTarget{*place} : PatientTarget{};
}

Result<PatientTarget> LabelTarget(const HeadShape& shape, const InputMap::Head& map, const Sample& sample) {
  const auto value = [&](const std::optional<std::size_t>& feature) -> std::optional<double> {
    if (!feature || std::isnan(sample.features[*feature])) return std::nullopt;
    return sample.features[*feature];
  };
  BinaryTarget target{.label = value(map.label), .logit = {}};
  if (target.label && *target.label != 0.0 && *target.label != 1.0)
    return Wrong(fmt::format("a label of \"{}\" is neither 0 nor 1", shape.name));
  if (const auto share = value(map.share); share && shape.kind == HeadKind::kMethylation) {
    if (!(*share >= 0.0 && *share <= 100.0))
      return Wrong(fmt::format("a share of \"{}\" is outside 0 to 100 percent", shape.name));
    const double kept = std::clamp(*share / 100.0, kSmallestShare, 1.0 - kSmallestShare);
    target.logit = std::log(kept / (1.0 - kept));
  }
  return target.label || target.logit ? PatientTarget{target} : PatientTarget{};
}

Result<PatientInput::Head> SuspicionHead(const HeadShape& shape, const Sample& sample) {
  PatientInput::Head head;
  if (!sample.suspicion) return head;
  const double day = sample.suspicion->day;
  if (!std::isfinite(day) || !(day > 0.0))
    return Wrong(fmt::format("the suspicion of \"{}\" is of day {}, wanted > 0", shape.name, day));
  head.last_day = day;
  if (sample.suspicion->pseudo) head.target = BinaryTarget{.label = *sample.suspicion->pseudo ? 1.0 : 0.0, .logit = {}};
  return head;
}

Result<PatientInput::Head> HeadOf(const HeadShape& shape, const InputMap::Head& map, const Sample& sample,
                                  double landmark_day) {
  if (map.suspicion) return SuspicionHead(shape, sample);
  PatientInput::Head head;
  switch (shape.kind) {
    case HeadKind::kHazard:
    case HeadKind::kEmbedding: {
      ASSIGN_OR_RETURN(head.target, EndpointTarget(map, sample, landmark_day));
      break;
    }
    case HeadKind::kIllnessDeath: {
      ASSIGN_OR_RETURN(head.target, CourseTarget(map, sample, landmark_day));
      break;
    }
    case HeadKind::kMethylation:
    case HeadKind::kBinary: {
      ASSIGN_OR_RETURN(head.target, LabelTarget(shape, map, sample));
      break;
    }
  }
  return head;
}

bool Chance(double share, Random& random) {
  constexpr std::uint64_t kParts = std::uint64_t{1} << 53;
  return static_cast<double>(UniformBelow(kParts, random)) < share * static_cast<double>(kParts);
}

void Hide(PatientInput::Statics& statics) {
  statics.values.assign(statics.values.size(), 0.0);
  statics.measured.assign(statics.measured.size(), false);
}

// Which modalities of a patient are there, in the order statics, panels, images.
std::vector<bool> PresentModalities(const NetworkShape& shape, const PatientInput& input) {
  std::vector<bool> present;
  for (const PatientInput::Statics& statics : input.statics) present.push_back(statics.present());
  for (const auto& panel : input.panels) present.push_back(!panel.empty());
  if (!shape.mri.empty()) present.push_back(!input.volumes.empty());
  return present;
}

void HideModality(std::size_t modality, PatientInput& input) {
  if (modality < input.statics.size())
    Hide(input.statics[modality]);
  else if (modality < input.statics.size() + input.panels.size())
    input.panels[modality - input.statics.size()].clear();
  else
    input.volumes.clear();
}

}  // namespace

Status CheckInputMap(const NetworkShape& shape, const InputMap& map, const Cohort& cohort) {
  if (map.statics.size() != shape.statics.size() || map.panels.size() != shape.panels.size() ||
      map.heads.size() != shape.heads.size())
    return Wrong(fmt::format("{} statics, {} panels and {} heads, the network has {}, {} and {}", map.statics.size(),
                             map.panels.size(), map.heads.size(), shape.statics.size(), shape.panels.size(),
                             shape.heads.size()));
  const std::size_t features = cohort.feature_names.size();
  for (std::size_t s = 0; s < map.statics.size(); ++s) {
    const StaticShape& block = shape.statics[s];
    if (map.statics[s].features.size() != block.features)
      return Wrong(fmt::format("\"{}\" has {} features, the network has {}", block.name, map.statics[s].features.size(),
                               block.features));
    for (const std::size_t feature : map.statics[s].features)
      if (feature >= features)
        return Wrong(fmt::format("\"{}\" wants feature {} of {}", block.name, feature, features));
    RETURN_IF_ERROR(CheckScaling(block.name, map.statics[s].scaling, block.features));
  }
  for (std::size_t p = 0; p < map.panels.size(); ++p) {
    if (map.panels[p].index >= cohort.panels.size())
      return Wrong(
          fmt::format("\"{}\" wants panel {} of {}", shape.panels[p].name, map.panels[p].index, cohort.panels.size()));
    RETURN_IF_ERROR(CheckScaling(shape.panels[p].name, map.panels[p].scaling, shape.panels[p].analytes));
  }
  for (std::size_t h = 0; h < map.heads.size(); ++h) {
    RETURN_IF_ERROR(CheckHead(shape.heads[h], map.heads[h], features));
    RETURN_IF_ERROR(CheckLabelIsHidden(shape, map, h));
  }
  return {};
}

Result<PatientInput> InputOf(const NetworkShape& shape, const InputMap& map, const Sample& sample,
                             double landmark_day) {
  if (!std::isfinite(landmark_day) || landmark_day < 0.0)
    return Wrong(fmt::format("the landmark is at {} days, wanted >= 0", landmark_day));
  PatientInput input;
  input.landmark_day = landmark_day;
  for (const InputMap::Statics& statics : map.statics) {
    ASSIGN_OR_RETURN(PatientInput::Statics values, StaticsOf(statics, sample));
    input.statics.push_back(std::move(values));
  }
  double last_day = landmark_day;
  for (std::size_t h = 0; h < map.heads.size(); ++h) {
    ASSIGN_OR_RETURN(PatientInput::Head head, HeadOf(shape.heads[h], map.heads[h], sample, landmark_day));
    last_day = std::max(last_day, head.last_day.value_or(landmark_day));
    input.heads.push_back(std::move(head));
  }
  if (last_day > landmark_day)  // what is between is for the head of that day alone
    for (PatientInput::Head& head : input.heads) head.last_day = head.last_day.value_or(landmark_day);
  for (const InputMap::Panel& panel : map.panels) {
    ASSIGN_OR_RETURN(std::vector<PanelInput> visits, PanelOf(panel, sample, last_day));
    input.panels.push_back(std::move(visits));
  }
  if (!shape.mri.empty())
    std::ranges::copy_if(sample.volumes, std::back_inserter(input.volumes),
                         [&](const VolumeId& volume) { return volume.day <= last_day; });
  return input;
}

PatientInput Without(const NetworkShape& shape, PatientInput input,
                     const std::function<bool(std::string_view)>& hidden) {
  for (std::size_t s = 0; s < shape.statics.size(); ++s)
    if (hidden(shape.statics[s].name)) Hide(input.statics[s]);
  for (std::size_t p = 0; p < shape.panels.size(); ++p)
    if (hidden(shape.panels[p].name)) input.panels[p].clear();
  if (hidden(shape.mri)) input.volumes.clear();
  return input;
}

PatientInput SeenBy(const NetworkShape& shape, std::size_t head, PatientInput input) {
  const HeadShape& which = shape.heads[head];
  input = Without(shape, std::move(input), [&which](std::string_view block) { return Hides(which, block); });
  if (const auto last = input.heads[head].last_day) {
    const auto later = [last](const auto& each) { return !(each.day <= *last); };
    for (auto& panel : input.panels) std::erase_if(panel, later);
    std::erase_if(input.volumes, later);
  }
  return input;
}

PatientInput WithDropout(const NetworkShape& shape, PatientInput input, const InputDropout& dropout, Random& random) {
  const std::vector<bool> present = PresentModalities(shape, input);
  std::vector<std::size_t> dropped;
  std::size_t kept = 0;
  for (std::size_t m = 0; m < present.size(); ++m) {
    if (!present[m] || (m < shape.statics.size() && shape.statics[m].treatment)) continue;
    if (Chance(dropout.modality, random))
      dropped.push_back(m);
    else
      ++kept;
  }
  if (kept == 0 && !dropped.empty())
    dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(UniformBelow(dropped.size(), random)));
  for (const std::size_t modality : dropped) HideModality(modality, input);
  for (auto& panel : input.panels)
    std::erase_if(panel, [&](const PanelInput&) { return Chance(dropout.visit, random); });
  // All sequences of a day come and go together.
  std::optional<double> day;
  bool gone = false;
  std::erase_if(input.volumes, [&](const VolumeId& volume) {
    if (day != volume.day) gone = Chance(dropout.visit, random);
    day = volume.day;
    return gone;
  });
  return input;
}

namespace {

// Whether the head's last day leaves it one of these visits.
template <typename Visit>
bool Reaches(const PatientInput::Head& head, const std::vector<Visit>& visits) {
  return std::ranges::any_of(visits, [&](const Visit& visit) { return !head.last_day || visit.day <= *head.last_day; });
}

// Whether a head that is taught has one of them.
template <typename Visit>
bool Teaches(const PatientInput& input, const std::vector<Visit>& visits) {
  return std::ranges::any_of(input.heads,
                             [&](const PatientInput::Head& head) { return head.labelled() && Reaches(head, visits); });
}

}  // namespace

std::map<std::string, std::size_t> PatientsPerBlock(const NetworkShape& shape, std::span<const PatientInput> inputs,
                                                    bool modality_dropout) {
  std::map<std::string, std::size_t> patients;
  for (const std::string& block : NetworkBlocks(shape)) patients[block] = 0;
  const auto modality = [&](const std::string& name, bool present, bool may_be_dropped) {
    if (present) ++patients[name];
    if (!present || may_be_dropped) ++patients[MissingBlock(name)];
  };
  for (const PatientInput& input : inputs) {
    if (std::ranges::none_of(input.heads, &PatientInput::Head::labelled)) continue;
    ++patients[shape.fusion];
    for (std::size_t s = 0; s < shape.statics.size(); ++s)
      modality(shape.statics[s].name, input.statics[s].present(), modality_dropout && !shape.statics[s].treatment);
    for (std::size_t p = 0; p < shape.panels.size(); ++p)
      modality(shape.panels[p].name, Teaches(input, input.panels[p]), modality_dropout);
    if (!shape.mri.empty()) {
      const bool present = Teaches(input, input.volumes);
      modality(shape.mri, present, modality_dropout);
      if (present) ++patients[SequenceBlock(shape.mri)];
    }
    for (std::size_t h = 0; h < shape.heads.size(); ++h) {
      if (!input.heads[h].labelled()) continue;
      ++patients[shape.heads[h].name];
      for (std::size_t s = 0; s < shape.statics.size(); ++s) {
        const auto skip = patients.find(LinearBlock(shape.heads[h].name, shape.statics[s].name));
        if (skip != patients.end() && input.statics[s].present()) ++skip->second;
      }
      for (std::size_t p = 0; p < shape.panels.size(); ++p) {
        const auto skip = patients.find(LinearBlock(shape.heads[h].name, shape.panels[p].name));
        if (skip != patients.end() && Reaches(input.heads[h], input.panels[p])) ++skip->second;
      }
      if (const auto skip = patients.find(LinearBlock(shape.heads[h].name, shape.mri));
          skip != patients.end() && Reaches(input.heads[h], input.volumes))
        ++skip->second;
    }
  }
  return patients;
}

std::vector<std::size_t> LabelsPerHead(const NetworkShape& shape, std::span<const PatientInput> inputs) {
  std::vector<std::size_t> labels(shape.heads.size(), 0);
  for (const PatientInput& input : inputs)
    for (std::size_t h = 0; h < labels.size(); ++h) labels[h] += input.heads[h].labelled() ? 1 : 0;
  return labels;
}

}  // namespace fedtrial
