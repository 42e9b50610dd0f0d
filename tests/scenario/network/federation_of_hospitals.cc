#include "federation_of_hospitals.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>

#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"
#include "site_node/cohort/cohort.h"
#include "site_node/cohort/folds.h"
#include "site_node/tasks/task.h"

namespace fedtrial {
namespace {

constexpr char kPlan[] = R"([trial]
id = "network"
seed = {}
[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [90, 180, 365, 730]
landmarks = [0, 60]
[cohort]
min_patients = 5
{}
[[block]]
name = "clinical"
kind = "static"
features = ["age", "kps"]
[[block]]
name = "mgmt"
kind = "static"
features = ["methylated"]
[[block]]
name = "cytokines"
kind = "panel"
features = ["il6", "il8"]
[[block]]
name = "labs"
kind = "panel"
features = ["ldh"]
[[block]]
name = "mri"
kind = "mri"
[[block]]
name = "fusion"
kind = "fusion"
[[block]]
name = "survival"
kind = "head"
target = "endpoint.os"
[[block]]
name = "methylation"
kind = "head"
target = "feature.methylated"
hidden = ["mgmt"]
[network]
preset = "tiny"
[imaging]
voxels = 16
[[step]]
task = "normalise"
[[step]]
task = "grid"
[[step]]
task = "train"
block = "fusion"
stage = "encoder"
rounds = 1
local = {{ optimizer = "adamw", epochs = 1, batch = 8 }}
[[step]]
task = "train"
block = "fusion"
rounds = 2
local = {{ optimizer = "adamw", epochs = 2, batch = 4, decay = 0.5, linear_rate = 0.1, ridge = 1 }}
[[step]]
task = "recalibrate"
block = "fusion"
rounds = 7
[[step]]
task = "evaluate"
block = "survival"
bootstrap = 10
[rules]
sites = 6
[encoding]
word_bits = 64
patient_cap = 20
[folds]
repeats = 1
folds = 2
)";

std::string FeatureToml(std::string_view name, std::string_view from, double low, double high) {
  return fmt::format("[[feature]]\nname = \"{}\"\nfrom = \"{}\"\n{}range = [{}, {}]\n", name, from,
                     from.find('[') == std::string_view::npos ? "" : "unit = \"pg/mL\"\n", low, high);
}

std::string PlanToml(std::uint64_t seed) {
  const std::string features =
      FeatureToml("age", "participants.age", 0, 100) + FeatureToml("kps", "participants.kps", 0, 100) +
      FeatureToml("methylated", "mgmt.mgmt_call", 0, 1) + FeatureToml("il6", "cytokine[IL-6]", 0, 10) +
      FeatureToml("il8", "cytokine[IL-8]", 0, 10) + FeatureToml("ldh", "labs[LDH]", 0, 10);
  return fmt::format(kPlan, seed, features);
}

class Draws {
 public:
  explicit Draws(std::uint64_t seed) : random_(Sha256(ByteWriter().Label("test").U64(seed).bytes())) {}
  double Uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(UniformBelow(1'000'000, random_)) / 1e6;
  }

 private:
  SeededRandom random_;
};

Cohort CohortOf(const Plan& plan, std::uint32_t site) {
  constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
  Draws draw(site);
  Cohort cohort;
  for (const Feature& feature : plan.features) cohort.feature_names.push_back(feature.name);
  for (const Block* panel : plan.Panels()) {
    std::vector<std::string> analytes;
    for (const std::size_t j : panel->features) analytes.push_back(plan.features[j].name);
    cohort.panels.push_back({panel->name, std::move(analytes)});
  }
  for (std::size_t i = 0; i < 8 + site % 3; ++i) {
    Sample sample;
    sample.key = fmt::format("s{}p{}", site, i);
    const bool knows_mgmt = site < FederationOfHospitals::kHospitals && i % 3 != 0;
    sample.features = {draw.Uniform(40, 80),
                       draw.Uniform(50, 100),
                       knows_mgmt ? static_cast<double>(i % 2) : kMissing,
                       kMissing,
                       kMissing,
                       kMissing};
    sample.time_days = draw.Uniform(20, 900);
    sample.event = i % 4 != 0;
    for (const double day : {0.0, 56.0}) {
      const auto visit = [&](std::size_t panel, std::size_t analytes) {
        PanelVisit measured{panel, day, {}};
        for (std::size_t a = 0; a < analytes; ++a) measured.values.push_back({a, draw.Uniform(0, 8), false});
        sample.panel_visits.push_back(std::move(measured));
      };
      if (site <= 3 && i % 2 == 0) visit(0, 2);
      if (site <= 2) visit(1, 1);
    }
    for (const double day : {-60.0, -3.0})
      if (site <= 4) sample.volumes.push_back({MriSequence::kT1Contrast, day, fmt::format("{}d{}", sample.key, day)});
    std::ranges::stable_sort(sample.panel_visits, {}, &PanelVisit::panel);
    cohort.samples.push_back(std::move(sample));
  }
  site::DealFolds(plan.folds, plan.seed, cohort);
  return cohort;
}

// As site_node/cohort counts it.
CohortSummary SummaryOf(const Plan& plan, const Cohort& cohort) {
  CohortSummary summary;
  summary.patients = cohort.samples.size();
  for (const Block& block : plan.blocks)
    summary.patients_per_block[block.name] = static_cast<std::size_t>(
        std::ranges::count_if(cohort.samples, [&](const Sample& s) { return site::Fills(plan, block, s); }));
  for (std::size_t j = 0; j < plan.features.size(); ++j) summary.patients_per_block["feature_" + plan.features[j].name];
  for (const Sample& sample : cohort.samples) {
    summary.events += sample.event;
    for (std::size_t j = 0; j < plan.features.size(); ++j)
      summary.patients_per_block["feature_" + plan.features[j].name] += !std::isnan(sample.features[j]);
    for (const PanelVisit& visit : sample.panel_visits)
      for (const PanelValue& value : visit.values)
        ++summary
              .patients_per_block["feature_" + plan.features[plan.Panels()[visit.panel]->features[value.analyte]].name];
  }
  summary.digest = Sha256(AsBytes(cohort.samples.front().key));
  return summary;
}

}  // namespace

Result<Volume> VolumesInMemory::Load(const VolumeId& id) const {
  constexpr std::size_t kSide = 16, kVoxels = kSide * kSide * kSide;
  SeededRandom random(Sha256(AsBytes(id.key)));
  Volume volume{{kSide, kSide, kSide}, {}, std::vector<float>(kVoxels)};
  for (std::size_t i = 0; i < kVoxels; ++i)
    volume.image.push_back(static_cast<float>(UniformBelow(4001, random)) / 1000.0F - 2.0F);
  const std::size_t first = UniformBelow(2000, random), voxels = 100 + UniformBelow(400, random);
  for (std::size_t i = first; i < first + voxels; ++i) {
    volume.lesion[i] = 1.0F;
    volume.image[i] += static_cast<float>(voxels) / 250.0F;
  }
  return volume;
}

FederationOfHospitals::FederationOfHospitals(std::uint64_t seed) : toml_(PlanToml(seed)) {
  auto plan = ParsePlan(toml_, "plan.toml");
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  if (plan.ok()) plan_ = std::move(*plan);
  for (std::uint32_t site = 1; site <= kHospitals; ++site) cohorts_[site] = CohortOf(plan_, site);
}

Result<Contribution> FederationOfHospitals::Answer(std::uint32_t site, const Task& task, const Manifest& manifest,
                                                   const Model& before) {
  site::TaskContext context;
  context.cohort = SummaryOf(plan_, cohorts_.at(site)).digest;
  context.volumes = &volumes_;
  auto answer = site::Answer(plan_, task, manifest, cohorts_.at(site), before, context);
  if (!answer.ok()) ADD_FAILURE() << "site " << site << ", " << task.kind << ": " << answer.error().message;
  if (answer.ok()) {
    Round& round = rounds_[task.kind];
    round.before = before;
    round.manifest = manifest;
    round.answers[site] = *answer;
  }
  return answer;
}

void FederationOfHospitals::Run() {
  simulation::SimSettings settings;
  settings.plan = toml_;
  for (std::uint32_t site = 1; site <= kHospitals; ++site)
    settings.sites.push_back({SiteId{site}, SummaryOf(plan_, cohorts_.at(site)),
                              [this, site](const Task& task, const Manifest& manifest, const Model& before) {
                                return Answer(site, task, manifest, before);
                              }});
  settings.coordinator.finish = [this](const Task& task, const Sum& sum, const Model& before,
                                       const std::vector<SiteId>&) -> Result<simulation::StepOutcome> {
    ASSIGN_OR_RETURN(coordinator::Outcome outcome, coordinator::Finish(plan_, task, sum, before, server_));
    Round& round = rounds_[task.kind];
    if (outcome.next) round.after = *outcome.next;
    round.result = outcome.result_json;
    return simulation::StepOutcome{std::move(outcome.next), outcome.again, std::move(outcome.result_json)};
  };
  const auto federation = simulation::Federation::Make(std::move(settings));
  ASSERT_TRUE(federation.ok()) << federation.error().message;
  const Status run = (*federation)->Run();
  ASSERT_TRUE(run.ok()) << run.error().message;
  for (const auto& rejection : (*federation)->rejected()) ADD_FAILURE() << rejection.error.message;
  ASSERT_TRUE((*federation)->finished());
}

std::size_t FederationOfHospitals::BlockIndex(const std::string& block) const {
  const auto blocks = manifest().Blocks();
  return static_cast<std::size_t>(std::ranges::find(blocks, block) - blocks.begin());
}

std::vector<double> FederationOfHospitals::WeightedMean(const std::set<std::uint32_t>& sites,
                                                        const std::string& tensor) const {
  const auto found = std::ranges::find(manifest().tensors, tensor, &TensorSpec::name);
  const auto t = static_cast<std::size_t>(found - manifest().tensors.begin());
  const std::size_t block = BlockIndex(std::string(found->block()));
  std::vector<double> sum(found->elements(), 0.0);
  double weight = 0.0;
  for (const std::uint32_t site : sites) {
    const Contribution& answer = answers().at(site);
    const auto patients = static_cast<double>(answer.blocks.at(block).weight);
    weight += patients;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += patients * answer.tensors.at(t).at(i);
  }
  for (double& value : sum) value /= weight;
  return sum;
}

}  // namespace fedtrial
