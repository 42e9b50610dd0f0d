#include "model/survival/cox.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace fedtrial {
namespace {

constexpr double kConverged = 1e-12;  // squared length of the Newton step in standard errors
constexpr double kRunaway = 1e-8;     // information left of that at 0: the coefficient has no finite maximum
constexpr int kMaxHalvings = 60;

// Sums of exp(lp), x exp(lp) and x x' exp(lp) over a set of patients.
struct Moments {
  explicit Moments(std::size_t p) : s1(p), s2(p, p) {}
  void Add(std::span<const double> x, double weight) {
    s0 += weight;
    for (std::size_t i = 0; i < x.size(); ++i) {
      s1[i] += weight * x[i];
      for (std::size_t j = 0; j <= i; ++j) s2(i, j) += weight * x[i] * x[j];
    }
  }
  void Scale(double factor) {
    s0 *= factor;
    for (double& value : s1) value *= factor;
    for (double& value : s2.values) value *= factor;
  }
  double s0 = 0.0;
  std::vector<double> s1;
  Matrix s2;  // lower triangle
};

std::vector<std::size_t> LatestFirst(std::span<const Outcome> outcomes) {
  std::vector<std::size_t> order(outcomes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, std::greater{}, [&](std::size_t i) { return outcomes[i].time; });
  return order;
}

// One draw from those at risk for each event; with Efron's ties draw l of d has lost the share l / d of the events.
void AddEventTime(const Moments& risk, const Moments& events, std::size_t count, Ties ties, CoxSums& sums) {
  const std::size_t p = sums.score.size();
  std::vector<double> mean(p);
  for (std::size_t l = 0; l < count; ++l) {
    const double share = ties == Ties::kEfron ? static_cast<double>(l) / static_cast<double>(count) : 0.0;
    const double s0 = risk.s0 - share * events.s0;
    sums.log_likelihood -= std::log(s0);
    for (std::size_t i = 0; i < p; ++i) {
      mean[i] = (risk.s1[i] - share * events.s1[i]) / s0;
      sums.score[i] -= mean[i];
      for (std::size_t j = 0; j <= i; ++j)
        sums.information(i, j) += (risk.s2(i, j) - share * events.s2(i, j)) / s0 - mean[i] * mean[j];
    }
  }
}

// Columns less their mean: the likelihood is the same, the information loses no digits to large values.
Matrix Centred(Matrix x) {
  for (std::size_t j = 0; j < x.cols; ++j) {
    double mean = 0.0;
    for (std::size_t i = 0; i < x.rows; ++i) mean += x(i, j);
    mean /= static_cast<double>(x.rows);
    for (std::size_t i = 0; i < x.rows; ++i) x(i, j) -= mean;
  }
  return x;
}

Status CheckStratum(const CoxStratum& stratum, std::size_t covariates) {
  RETURN_IF_ERROR(CheckOutcomes(stratum.outcomes));
  if (stratum.x.rows != stratum.outcomes.size())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("Cox: {} rows for {} outcomes", stratum.x.rows, stratum.outcomes.size())};
  if (stratum.x.cols != covariates)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("Cox: {} covariates, {} coefficients", stratum.x.cols, covariates)};
  return CheckValues("Cox: covariates", stratum.x.values, stratum.x.rows * stratum.x.cols);
}

Result<Cholesky> PenalisedInformation(const CoxSums& sums, double ridge) {
  Matrix h = sums.information;
  for (std::size_t j = 0; j < h.rows; ++j) h(j, j) += ridge;
  Result<Cholesky> factor = Cholesky::Of(h);
  if (!factor.ok()) return factor.error().In("Cox: a covariate is constant or a copy of others");
  return factor;
}

double Penalty(std::span<const double> beta, double ridge) {
  return ridge / 2.0 * std::inner_product(beta.begin(), beta.end(), beta.begin(), 0.0);
}

std::vector<double> Direction(const Cholesky& factor, const CoxSums& sums, std::span<const double> beta, double ridge,
                              double& squared_length) {
  std::vector<double> gradient = sums.score;
  for (std::size_t j = 0; j < gradient.size(); ++j) gradient[j] -= ridge * beta[j];
  std::vector<double> step = factor.Solve(gradient);
  squared_length = std::inner_product(step.begin(), step.end(), gradient.begin(), 0.0);
  return step;
}

Matrix Multiply(const Matrix& a, const Matrix& b) {
  Matrix out(a.rows, b.cols);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t k = 0; k < a.cols; ++k)
      for (std::size_t j = 0; j < b.cols; ++j) out(i, j) += a(i, k) * b(k, j);
  return out;
}

}  // namespace

CoxSums& CoxSums::operator+=(const CoxSums& other) {
  log_likelihood += other.log_likelihood;
  for (std::size_t i = 0; i < score.size(); ++i) score[i] += other.score[i];
  for (std::size_t i = 0; i < information.values.size(); ++i) information.values[i] += other.information.values[i];
  return *this;
}

Result<CoxSums> CoxSumsAt(const CoxStratum& stratum, std::span<const double> beta, Ties ties) {
  CoxSums sums(beta.size());
  if (stratum.outcomes.empty() && stratum.x.rows == 0) return sums;
  RETURN_IF_ERROR(CheckStratum(stratum, beta.size()));
  RETURN_IF_ERROR(CheckValues("Cox: coefficients", beta, beta.size()));
  const Matrix x = Centred(stratum.x);
  const std::vector<double> lp = LinearPredictor(x, beta);
  const std::vector<std::size_t> order = LatestFirst(stratum.outcomes);
  Moments risk(beta.size());
  // Sums are kept over exp(lp - highest), the highest of those at risk: they neither overflow nor vanish.
  double highest = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    double raised = highest;
    for (; end < order.size() && stratum.outcomes[order[end]].time == stratum.outcomes[order[i]].time; ++end)
      raised = std::max(raised, lp[order[end]]);
    if (raised > highest) risk.Scale(std::exp(highest - raised));
    highest = raised;
    Moments events(beta.size());
    std::size_t count = 0;
    for (; i < end; ++i) {
      const std::size_t who = order[i];
      risk.Add(x.row(who), std::exp(lp[who] - highest));
      if (!stratum.outcomes[who].event) continue;
      ++count;
      events.Add(x.row(who), std::exp(lp[who] - highest));
      sums.log_likelihood += lp[who] - highest;
      for (std::size_t j = 0; j < beta.size(); ++j) sums.score[j] += x(who, j);
    }
    AddEventTime(risk, events, count, ties, sums);
  }
  for (std::size_t i = 0; i < beta.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) sums.information(j, i) = sums.information(i, j);
  return sums;
}

Result<std::vector<double>> CoxNewtonStep(const CoxSums& sums, std::span<const double> beta, double ridge) {
  if (sums.score.size() != beta.size())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("Cox: sums of {} covariates, {} coefficients", sums.score.size(), beta.size())};
  ASSIGN_OR_RETURN(const Cholesky factor, PenalisedInformation(sums, ridge));
  double squared_length = 0.0;
  std::vector<double> next = Direction(factor, sums, beta, ridge, squared_length);
  for (std::size_t j = 0; j < next.size(); ++j) next[j] += beta[j];
  return next;
}

namespace {

// The loop of FitCox: keeps the current beta with its sums.
class Newton {
 public:
  Newton(const std::function<Result<CoxSums>(std::span<const double>)>& sums_at, const CoxOptions& options,
         CoxSums at_zero)
      : sums_at_(sums_at),
        options_(options),
        at_zero_(std::move(at_zero)),
        sums_(at_zero_),
        beta_(sums_.score.size()) {}

  Result<CoxFit> Run() {
    for (int i = 1; i <= options_.max_iterations; ++i) {
      ASSIGN_OR_RETURN(const Cholesky factor, PenalisedInformation(sums_, options_.ridge));
      double squared_length = 0.0;
      const std::vector<double> step = Direction(factor, sums_, beta_, options_.ridge, squared_length);
      const bool last = squared_length <= kConverged;
      RETURN_IF_ERROR(Move(step, last));
      if (last) return Finish(i);
    }
    return Error{ErrorCode::kInternal, fmt::format("Cox: no convergence in {} Newton steps", options_.max_iterations)};
  }

 private:
  double Objective(const CoxSums& sums, std::span<const double> beta) const {
    return sums.log_likelihood - Penalty(beta, options_.ridge);
  }

  // Halves the step until the objective doesn't fall. The last step is within rounding error: taken as it is.
  Status Move(std::span<const double> step, bool last) {
    const double before = Objective(sums_, beta_);
    double share = 1.0;
    for (int i = 0; i < kMaxHalvings; ++i, share /= 2.0) {
      std::vector<double> next = beta_;
      for (std::size_t j = 0; j < next.size(); ++j) next[j] += share * step[j];
      ASSIGN_OR_RETURN(CoxSums sums, sums_at_(next));
      if (!last && !(Objective(sums, next) >= before - 1e-12 * std::abs(before))) continue;
      beta_ = std::move(next);
      sums_ = std::move(sums);
      return {};
    }
    return Error{ErrorCode::kInternal, "Cox: no step raises the likelihood, yet it isn't at its maximum"};
  }

  Result<CoxFit> Finish(int iterations) const {
    ASSIGN_OR_RETURN(const Cholesky factor, PenalisedInformation(sums_, options_.ridge));
    for (std::size_t j = 0; j < beta_.size() && options_.ridge == 0.0; ++j)
      if (factor.pivot(j) < kRunaway * at_zero_.information(j, j))
        return Error{ErrorCode::kInvalidInput,
                     fmt::format("Cox: coefficient {} has no finite maximum (a group without events, or a covariate "
                                 "that orders all events); use a ridge",
                                 j)};
    CoxFit fit;
    fit.beta = beta_;
    fit.variance = factor.Inverse();
    fit.sandwich_variance = Multiply(Multiply(fit.variance, sums_.information), fit.variance);
    fit.log_likelihood = sums_.log_likelihood;
    fit.log_likelihood_at_zero = at_zero_.log_likelihood;
    fit.penalty = Penalty(beta_, options_.ridge);
    fit.iterations = iterations;
    return fit;
  }

  const std::function<Result<CoxSums>(std::span<const double>)>& sums_at_;
  const CoxOptions& options_;
  CoxSums at_zero_;
  CoxSums sums_;
  std::vector<double> beta_;
};

}  // namespace

Result<CoxFit> FitCox(std::size_t covariates,
                      const std::function<Result<CoxSums>(std::span<const double> beta)>& sums_at,
                      const CoxOptions& options) {
  if (!(options.ridge >= 0.0) || !std::isfinite(options.ridge))
    return Error{ErrorCode::kInvalidInput, fmt::format("Cox: the ridge is {}, wanted >= 0", options.ridge)};
  ASSIGN_OR_RETURN(CoxSums at_zero, sums_at(std::vector<double>(covariates)));
  if (at_zero.score.size() != covariates)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("Cox: sums of {} covariates, wanted {}", at_zero.score.size(), covariates)};
  if (std::ranges::all_of(at_zero.information.values, [](double value) { return value == 0.0; }))
    return Error{ErrorCode::kInvalidInput, "Cox: no event in any stratum with two different patients at risk"};
  return Newton(sums_at, options, std::move(at_zero)).Run();
}

Result<CoxFit> FitCox(std::span<const CoxStratum> strata, const CoxOptions& options) {
  if (strata.empty()) return Error{ErrorCode::kInvalidInput, "Cox: there is no stratum"};
  return FitCox(
      strata[0].x.cols,
      [&](std::span<const double> beta) -> Result<CoxSums> {
        CoxSums total(beta.size());
        for (const CoxStratum& stratum : strata) {
          ASSIGN_OR_RETURN(const CoxSums sums, CoxSumsAt(stratum, beta, options.ties));
          total += sums;
        }
        return total;
      },
      options);
}

Result<StepFunction> CoxBaseline(std::span<const Outcome> outcomes, std::span<const double> linear_predictor,
                                 Ties ties) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  RETURN_IF_ERROR(CheckValues("Cox baseline: linear predictors", linear_predictor, outcomes.size()));
  const double highest = std::ranges::max(linear_predictor);
  const std::vector<std::size_t> order = LatestFirst(outcomes);
  StepFunction hazard{.start = 0.0, .times = {}, .values = {}};
  double risk = 0.0;
  for (std::size_t i = 0; i < order.size();) {
    double events = 0.0;
    std::size_t count = 0;
    const double time = outcomes[order[i]].time;
    for (; i < order.size() && outcomes[order[i]].time == time; ++i) {
      const double weight = std::exp(linear_predictor[order[i]] - highest);
      risk += weight;
      if (!outcomes[order[i]].event) continue;
      events += weight;
      ++count;
    }
    double jump = 0.0;
    for (std::size_t l = 0; l < count; ++l)
      jump +=
          1.0 / (risk - (ties == Ties::kEfron ? static_cast<double>(l) / static_cast<double>(count) : 0.0) * events);
    hazard.times.push_back(time);
    hazard.values.push_back(jump * std::exp(-highest));
  }
  std::ranges::reverse(hazard.times);
  std::ranges::reverse(hazard.values);
  std::partial_sum(hazard.values.begin(), hazard.values.end(), hazard.values.begin());
  return hazard;
}

}  // namespace fedtrial
