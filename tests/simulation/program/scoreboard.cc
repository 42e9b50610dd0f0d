#include "tests/simulation/program/scoreboard.h"

#include <algorithm>

#include "model/survival/concordance.h"

namespace fedtrial::sim {
namespace {

template <typename T>
std::vector<T> Pick(const std::vector<T>& from, const Rows& rows) {
  std::vector<T> out;
  out.reserve(rows.size());
  for (const std::size_t i : rows) out.push_back(from[i]);
  return out;
}

bool IsLocal(const std::string& name) { return name.starts_with("local/"); }

std::vector<double> Minus(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  std::transform(a.begin(), a.end(), b.begin(), out.begin(), std::minus<>());
  return out;
}

}  // namespace

Status Scoreboard::AddRepeat(const std::vector<std::pair<Rows, Scores>>& test_sets, double share) {
  scored_.resize(patients_.size());
  if (bootstrap_ > 0 && !comparable_) comparable_.emplace(patients_.size());
  double comparable = 0.0;
  std::map<std::string, double> concordant;
  for (const auto& [members, scores] : test_sets) {
    if (members.empty()) continue;
    const std::vector<Outcome> outcomes = Pick(patients_.outcomes, members);
    for (const auto& [name, risk] : scores) {
      ASSIGN_OR_RETURN(const PairCounts counts, CountPairs(outcomes, Pick(risk, members)));
      concordant[name] += counts.concordant + counts.tied_risk / 2;
      if (name == "federated") comparable += counts.comparable();
      if (bootstrap_ == 0) continue;
      Tally& tally = tallies_[name];
      if (!tally.concordant) tally.concordant.emplace(patients_.size());
      RETURN_IF_ERROR(tally.concordant->AddConcordant(members, patients_.outcomes, risk, share));
    }
    if (bootstrap_ > 0) RETURN_IF_ERROR(comparable_->AddComparable(members, patients_.outcomes, share));
    for (const std::size_t i : members) scored_[i] = true;
  }
  if (!(comparable > 0)) return Error{ErrorCode::kInvalidInput, "no two patients of a test set can be compared"};
  for (const auto& [name, sum] : concordant) tallies_[name].sum_of_c += sum / comparable;
  pairs_ += comparable;
  ++repeats_;
  return {};
}

std::size_t Scoreboard::Events() const {
  std::size_t events = 0;
  for (std::size_t i = 0; i < scored_.size(); ++i) events += scored_[i] && patients_.outcomes[i].event ? 1 : 0;
  return events;
}

Result<Figures> Scoreboard::Finish() const {
  if (repeats_ == 0) return Error{ErrorCode::kInternal, "nothing was scored"};
  const auto repeats = static_cast<double>(repeats_);
  Figures figures;
  figures.patients = static_cast<std::size_t>(std::count(scored_.begin(), scored_.end(), true));
  figures.pairs = pairs_ / repeats;
  double locals = 0.0, sum_of_locals = 0.0;
  for (const auto& [name, tally] : tallies_) {
    const Figure figure{.value = tally.sum_of_c / repeats, .events = Events()};
    figures.of[name] = figure;
    if (!IsLocal(name)) continue;
    locals += 1.0;
    sum_of_locals += figure.value;
  }
  figures.local_mean = {.value = locals > 0 ? sum_of_locals / locals : 0.5, .events = Events()};
  const auto federated = figures.of.find("federated");
  if (federated == figures.of.end()) return Error{ErrorCode::kInternal, "the federated model has no scores"};
  for (const auto& [name, figure] : figures.of)
    if (!IsLocal(name) && name != "federated")
      figures.gain[name] = {.value = federated->second.value - figure.value, .events = Events()};
  if (locals > 0)
    figures.gain["local_mean"] = {.value = federated->second.value - figures.local_mean.value, .events = Events()};
  if (bootstrap_ > 0) RETURN_IF_ERROR(AddIntervals(figures));
  return figures;
}

Status Scoreboard::AddIntervals(Figures& figures) const {
  // Patients who aren't scored form a stratum of their own: their weights touch no pair.
  std::vector<std::size_t> strata = patients_.site;
  for (std::size_t i = 0; i < strata.size(); ++i)
    if (!scored_[i]) strata[i] = patients_.sites.size();
  const Resamples draws = Resamples::Draw(strata, bootstrap_, seed_);
  const std::vector<double> denominators = draws.QuadraticForm(*comparable_);

  std::map<std::string, std::vector<double>> values;
  std::vector<double> local_sum(denominators.size());
  double locals = 0.0;
  for (const auto& [name, tally] : tallies_) {
    const std::vector<double> numerators = draws.QuadraticForm(*tally.concordant);
    ASSIGN_OR_RETURN(values[name], Ratios(numerators, denominators));
    figures.of[name].interval = PercentileInterval(values[name]);
    if (!IsLocal(name)) continue;
    locals += 1.0;
    for (std::size_t b = 0; b < local_sum.size(); ++b) local_sum[b] += numerators[b];
  }
  if (locals > 0) {
    for (double& sum : local_sum) sum /= locals;
    ASSIGN_OR_RETURN(values["local_mean"], Ratios(local_sum, denominators));
    figures.local_mean.interval = PercentileInterval(values["local_mean"]);
  }
  for (auto& [name, gain] : figures.gain) gain.interval = PercentileInterval(Minus(values["federated"], values[name]));
  return {};
}

}  // namespace fedtrial::sim
