#include "tests/doubles/toy.h"

#include <cassert>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>

#include "security/crypto/sha256.h"
#include "site_node/core/release_policy.h"
#include "tests/simulation/hosts.h"

namespace fedtrial::doubles {

std::string ToyPlan::Text() const {
  std::string text = R"([trial]
id = "toy"
seed = 1
[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [10.0, 20.0, 30.0]
[[feature]]
name = "age"
from = "participants.age"
range = [0.0, 100.0]
[[feature]]
name = "kps"
from = "participants.kps"
range = [0.0, 100.0]
[[block]]
name = "risk"
kind = "linear"
features = ["age", "kps"]
[[step]]
task = "normalise"
[[step]]
task = "grid"
[[step]]
task = "train"
)";
  text += fmt::format("rounds = {}\n", train_rounds);
  text += fmt::format("[cohort]\nmin_patients = {}\n", min_patients);
  text += fmt::format("[encoding]\nword_bits = {}\npatient_cap = 100\n", word_bits);
  text += fmt::format("[rules]\nsites = {}\nmin_sites = {}\nthreshold = {}\nretry_after = \"{}\"\nspare_rounds = {}\n",
                      sites, min_sites, threshold, retry_after, spare_rounds);
  for (const char* phase : {"hello", "keys", "shares", "masked", "agree", "unmask"})
    text += fmt::format("[rules.{}]\nmin_open = \"{}\"\nmax_open = \"{}\"\n", phase, min_open, max_open);
  return text;
}

CohortSummary ToyCohort(SiteId site, std::size_t patients) {
  CohortSummary cohort;
  cohort.patients = patients;
  cohort.events = patients / 2;
  cohort.patients_per_block = {{"feature_age", patients}, {"feature_kps", patients}, {"risk", patients}};
  cohort.digest = Sha256(ByteWriter().Label("toy cohort").U32(site.value).U64(patients).bytes());
  return cohort;
}

simulation::SimSite ToySite(SiteId site, std::size_t patients) {
  simulation::SimSite toy{site, ToyCohort(site, patients), {}};
  toy.answer = [site, cohort = toy.cohort](const Task& task, const Manifest& manifest,
                                           const Model& before) -> Result<Contribution> {
    Contribution contribution;
    const std::vector<std::string> blocks = manifest.Blocks();
    for (const std::string& block : blocks) {
      const auto counted = cohort.patients_per_block.find(block);
      const bool filled = counted == cohort.patients_per_block.end() ? !block.starts_with("feature_") && block != "risk"
                                                                     : counted->second > 0;
      contribution.blocks.push_back({filled ? (task.kind == "train" ? cohort.patients : 1) : 0, filled});
    }
    std::size_t number = before.tensors.size();
    for (const TensorSpec& spec : manifest.tensors) {
      Tensor tensor = Tensor::Zeros(spec);
      std::size_t block = 0;
      while (blocks[block] != spec.block()) ++block;
      for (std::size_t i = 0; contribution.blocks[block].contributes && i < tensor.size(); ++i)
        tensor.set(i, std::sin(1.7 * site.value + 0.31 * static_cast<double>(number) + 0.77 * static_cast<double>(i)));
      contribution.tensors.push_back(std::move(tensor));
      ++number;
    }
    return contribution;
  };
  return toy;
}

simulation::SimCoordinator ToyCoordinator() {
  simulation::SimCoordinator toy;
  toy.finish = [](const Task& task, const Sum& sum, const Model& before,
                  const std::vector<SiteId>&) -> Result<simulation::StepOutcome> {
    simulation::StepOutcome outcome{before, false, fmt::format("{{\"round\":{}}}", task.round)};
    auto& tensors = outcome.next->tensors;
    if (task.kind == "normalise") {
      tensors["constants/mean"] = Tensor::Of(sum.values(0));
    } else if (task.kind == "grid") {
      tensors["risk/beta"] = Tensor::OfType(ScalarType::kFloat32, {2}, {0.0, 0.0});
      tensors["risk/intercept"] = Tensor::OfType(ScalarType::kFloat32, {3}, sum.values(0));
    } else if (task.kind == "train") {
      Tensor& beta = tensors["risk/beta"];
      const std::vector<double> mean = sum.means(0);
      for (std::size_t i = 0; i < beta.size(); ++i) beta.set(i, beta.at(i) + mean[i]);
    }
    return outcome;
  };
  return toy;
}

simulation::SimSettings ToySettings(const ToyPlan& plan, std::uint64_t seed) {
  simulation::SimSettings settings;
  settings.plan = plan.Text();
  for (std::uint32_t id = 1; id <= plan.sites; ++id) settings.sites.push_back(ToySite(SiteId{id}));
  settings.coordinator = ToyCoordinator();
  settings.seed = seed;
  return settings;
}

std::vector<SiteId> Ids(std::vector<std::uint32_t> numbers) {
  std::vector<SiteId> ids;
  for (const std::uint32_t number : numbers) ids.push_back(SiteId{number});
  return ids;
}

void SumCheck::Watch(simulation::SimHooks& hooks) {
  hooks.on_sum = [this, before = hooks.on_sum](const coordinator::FinishStep& step, const Words& sum) {
    Words plain = ZeroWords(step.manifest.encoding.word_bits, step.manifest.Words());
    for (const SiteId site : step.included) {
      if (const auto words = federation_->plain_words(site, step.round.round)) simulation::AddWords(plain, *words);
    }
    wrong_ += plain == sum ? 0 : 1;
    included_.push_back(step.included);
    words_.push_back(sum);
    if (before) before(step, sum);
  };
}

Toy::Toy(const ToyPlan& plan, simulation::SimHooks hooks, std::uint64_t seed)
    : Toy(ToySettings(plan, seed), std::move(hooks)) {}

Toy::Toy(simulation::SimSettings settings, simulation::SimHooks hooks) {
  check.Watch(hooks);
  auto made = simulation::Federation::Make(std::move(settings), std::move(hooks));
  if (!made.ok()) {
    fmt::print(stderr, "{}\n", made.error().message);
    std::abort();  // a test's own fault
  }
  federation = std::move(made).value();
  check.Of(*federation);
}

std::map<std::pair<Digest, SiteId>, GivenOut> SharesGivenOut(const simulation::Federation& federation) {
  std::map<std::pair<Digest, SiteId>, GivenOut> given;
  for (const auto& [site, envelope] : federation.sent_by_sites()) {
    if (envelope.phase != static_cast<std::uint8_t>(Phase::kUnmask)) continue;
    const auto body = UnmaskBody::Decode(envelope.body);
    if (!body.ok()) continue;
    for (const auto& item : body->self_seeds) given[{envelope.ctx, item.owner}].self_seeds.insert(site);
    for (const auto& item : body->mask_keys) given[{envelope.ctx, item.owner}].mask_keys.insert(site);
  }
  return given;
}

bool SecretsClosed(const simulation::Federation& federation) {
  const std::size_t threshold = federation.plan().rules.threshold;
  for (const auto& [key, given] : SharesGivenOut(federation)) {
    if (given.self_seeds.size() >= threshold && given.mask_keys.size() >= threshold) return false;
  }
  return true;
}

}  // namespace fedtrial::doubles
