#include "model/survival/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <numeric>
#include <random>

namespace fedtrial {
namespace {

// Uniform below `bound` without bias. The library's distributions differ between machines; this doesn't.
std::size_t Below(std::mt19937_64& engine, std::size_t bound) {
  const std::uint64_t limit = std::mt19937_64::max() - std::mt19937_64::max() % bound;
  std::uint64_t word = engine();
  while (word >= limit) word = engine();
  return static_cast<std::size_t>(word % bound);
}

bool Comparable(const Outcome& first, const Outcome& second) {
  return first.event && (first.time < second.time || (first.time == second.time && !second.event));
}

}  // namespace

Status PairMatrix::Add(std::span<const std::size_t> members, std::span<const Outcome> outcomes,
                       std::span<const double> risk, double scale) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  if (outcomes.size() != patients_ || (!risk.empty() && risk.size() != patients_))
    return Error{ErrorCode::kInvalidInput, fmt::format("pairs: {} outcomes and {} risks for {} patients",
                                                       outcomes.size(), risk.size(), patients_)};
  for (const std::size_t i : members) {
    if (i >= patients_) return Error{ErrorCode::kInvalidInput, fmt::format("pairs: there is no patient {}", i)};
    if (!risk.empty() && std::isnan(risk[i]))
      return Error{ErrorCode::kInvalidInput, fmt::format("pairs: the risk of patient {} is not a number", i)};
  }
  for (const std::size_t i : members) {
    if (!outcomes[i].event) continue;
    for (const std::size_t j : members) {
      if (i == j || !Comparable(outcomes[i], outcomes[j])) continue;
      const double half = risk.empty() || risk[i] > risk[j] ? 1.0 : risk[i] == risk[j] ? 0.5 : 0.0;
      upper_[Start(std::min(i, j)) + std::max(i, j) - std::min(i, j) - 1] += scale * half;
    }
  }
  return {};
}

Status PairMatrix::AddConcordant(std::span<const std::size_t> members, std::span<const Outcome> outcomes,
                                 std::span<const double> risk, double scale) {
  if (risk.size() != patients_)
    return Error{ErrorCode::kInvalidInput, fmt::format("pairs: {} risks for {} patients", risk.size(), patients_)};
  return Add(members, outcomes, risk, scale);
}

Status PairMatrix::AddComparable(std::span<const std::size_t> members, std::span<const Outcome> outcomes,
                                 double scale) {
  return Add(members, outcomes, {}, scale);
}

double PairMatrix::Sum() const { return std::accumulate(upper_.begin(), upper_.end(), 0.0); }

double PairMatrix::At(std::size_t i, std::size_t j) const {
  return i == j ? 0.0 : RowAfter(std::min(i, j))[std::max(i, j) - std::min(i, j) - 1];
}

Resamples Resamples::Draw(std::span<const std::size_t> stratum, std::size_t count, std::uint64_t seed) {
  std::map<std::size_t, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < stratum.size(); ++i) members[stratum[i]].push_back(i);
  Resamples out;
  out.patients_ = stratum.size();
  out.count_ = count;
  out.weights_.resize((count + kLanes - 1) / kLanes * kLanes * stratum.size());
  std::mt19937_64 engine(seed);
  for (std::size_t b = 0; b < count; ++b) {
    double* const lane = out.weights_.data() + b / kLanes * out.patients_ * kLanes + b % kLanes;
    for (const auto& [name, who] : members)
      for (std::size_t draw = 0; draw < who.size(); ++draw) lane[who[Below(engine, who.size())] * kLanes] += 1.0;
  }
  return out;
}

double Resamples::weight(std::size_t resample, std::size_t patient) const {
  return weights_[(resample / kLanes * patients_ + patient) * kLanes + resample % kLanes];
}

std::vector<double> Resamples::QuadraticForm(const PairMatrix& pairs) const {
  std::vector<double> out;
  for (std::size_t block = 0; block * kLanes < count_; ++block) {
    const double* const weights = weights_.data() + block * patients_ * kLanes;
    std::array<double, kLanes> total{};
    for (std::size_t i = 0; i < patients_; ++i) {
      std::array<double, kLanes> row{};
      const double* weight = weights + (i + 1) * kLanes;
      for (const double pair : pairs.RowAfter(i)) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) row[lane] += pair * weight[lane];
        weight += kLanes;
      }
      for (std::size_t lane = 0; lane < kLanes; ++lane) total[lane] += weights[i * kLanes + lane] * row[lane];
    }
    out.insert(out.end(), total.begin(), total.end());
  }
  out.resize(count_);
  return out;
}

double Quantile(std::vector<double> values, double q) {
  std::ranges::sort(values);
  const double position = std::clamp(q, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - static_cast<double>(below)) * (values[above] - values[below]);
}

Interval PercentileInterval(const std::vector<double>& values) {
  return {Quantile(values, 0.025), Quantile(values, 0.975)};
}

Result<std::vector<double>> Ratios(std::span<const double> numerators, std::span<const double> denominators) {
  RETURN_IF_ERROR(CheckValues("ratios: numerators", numerators, denominators.size()));
  std::vector<double> out;
  for (std::size_t b = 0; b < denominators.size(); ++b)
    if (denominators[b] > 0.0) out.push_back(numerators[b] / denominators[b]);
  if (out.empty()) return Error{ErrorCode::kInvalidInput, "ratios: no resample has a comparable pair"};
  return out;
}

}  // namespace fedtrial
