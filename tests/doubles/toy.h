#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/federation.h"

// A small trial for tests of the cores: the plan's real steps, but numbers out of the air, so that only the rounds
// themselves are under test.
namespace fedtrial::doubles {

struct ToyPlan {
  unsigned sites = 3, min_sites = 3, threshold = 3;
  unsigned train_rounds = 1;
  unsigned word_bits = 32;
  unsigned spare_rounds = 3;
  unsigned min_patients = 5;
  std::string min_open = "60s", max_open = "600s", retry_after = "10s";
  std::string Text() const;
};
inline ToyPlan FourSites() {
  ToyPlan plan;
  plan.sites = 4;
  return plan;
}
inline constexpr std::uint64_t kToyRounds = 3;  // normalise, grid, train with one round

CohortSummary ToyCohort(SiteId site, std::size_t patients = 20);
// Numbers that depend on the site, the tensor and the model, not on the seed: the same contribution comes again.
simulation::SimSite ToySite(SiteId site, std::size_t patients = 20);
simulation::SimCoordinator ToyCoordinator();

// Sites 1 to n of the plan.
simulation::SimSettings ToySettings(const ToyPlan& plan, std::uint64_t seed = 1);

std::vector<SiteId> Ids(std::vector<std::uint32_t> numbers);

// Compares every finished sum with the plain sum of what the included sites put in. Lives as long as its federation.
class SumCheck {
 public:
  void Watch(simulation::SimHooks& hooks);
  void Of(const simulation::Federation& federation) { federation_ = &federation; }

  std::size_t sums() const { return included_.size(); }
  std::size_t wrong() const { return wrong_; }
  const std::vector<std::vector<SiteId>>& included() const { return included_; }
  const std::vector<Words>& words() const { return words_; }

 private:
  const simulation::Federation* federation_ = nullptr;
  std::vector<std::vector<SiteId>> included_;
  std::vector<Words> words_;
  std::size_t wrong_ = 0;
};

// A federation of toys with its sums watched.
struct Toy {
  explicit Toy(const ToyPlan& plan, simulation::SimHooks hooks = {}, std::uint64_t seed = 1);
  Toy(simulation::SimSettings settings, simulation::SimHooks hooks);

  simulation::Federation& operator*() { return *federation; }
  simulation::Federation* operator->() { return federation.get(); }

  SumCheck check;
  std::unique_ptr<simulation::Federation> federation;
};

// How many sites gave out shares of each kind, by attempt and owner, over all that they ever sent.
struct GivenOut {
  std::set<SiteId> self_seeds, mask_keys;  // holders
};
std::map<std::pair<Digest, SiteId>, GivenOut> SharesGivenOut(const simulation::Federation& federation);
// Whether nobody can have opened a single contribution: no owner's two secrets can both be rebuilt from the shares
// given out for one attempt, and in one round the shares of `threshold` sites were given out for one included set only.
bool SecretsClosed(const simulation::Federation& federation);

}  // namespace fedtrial::doubles
