#include "proto/plan/evaluate.h"

#include "coordinator/tasks/kinds.h"
#include "model/survival/bootstrap.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

json ValueOf(double concordant, double tied, double comparable) {
  if (!(comparable > 0.0)) return nullptr;
  return (concordant + tied / 2.0) / comparable;
}

// The interval of a ratio whose replicates are numerator and denominator, row by row.
void PutInterval(const std::vector<double>& replicates, json& into) {
  std::vector<double> numerators, denominators;
  for (std::size_t b = 0; b + 1 < replicates.size(); b += 2) {
    numerators.push_back(replicates[b + kNumerator]);
    denominators.push_back(replicates[b + kDenominator]);
  }
  const auto ratios = Ratios(numerators, denominators);
  if (!ratios.ok()) return;
  const Interval interval = PercentileInterval(*ratios);
  into["low"] = interval.low;
  into["high"] = interval.high;
}

Result<json> Concordance(const Sum& sum) {
  ASSIGN_OR_RETURN(const auto counts, Counts(sum, "concordance/counts"));
  ASSIGN_OR_RETURN(const auto replicates, Statistic(sum, "concordance/bootstrap"));
  json out = {{"value", nullptr}, {"low", nullptr}, {"high", nullptr}, {"pairs", 0}, {"repeats", json::array()}};
  double total = 0.0, pairs = 0.0;
  for (std::size_t row = 0; row < counts.size(); row += 3) {
    const json value = ValueOf(counts[row + kConcordant], counts[row + kTied], counts[row + kComparable]);
    if (value.is_null()) return out;
    out["repeats"].push_back(value);
    total += value.get<double>();
    pairs += counts[row + kComparable];
  }
  const auto repeats = static_cast<double>(counts.size() / 3);
  out["value"] = total / repeats;
  out["pairs"] = static_cast<std::uint64_t>(pairs / repeats + 0.5);
  PutInterval(replicates, out);
  return out;
}

// Of the split's test rows.
Result<json> Test(const Plan& plan, const Sum& sum) {
  ASSIGN_OR_RETURN(const auto counts, Counts(sum, "test/counts"));
  return json{{"value", ValueOf(counts[kConcordant], counts[kTied], counts[kComparable])},
              {"pairs", static_cast<std::uint64_t>(counts[kComparable])},
              {"events", Published(plan, counts[kTestEvents])}};
}

bool Enough(const Sum& sum, std::string_view tensor) {
  const auto contributors = Contributors(sum, tensor);
  return contributors.ok() && *contributors >= kMinContributors;
}

}  // namespace

Result<Outcome> FinishEvaluate(const FinishedSum& finished, Model) {
  const auto& [plan, task, sum, server, start_file] = finished;
  ASSIGN_OR_RETURN(const EvaluateStep step, EvaluationAt(plan, task));
  json result = {{"block", step.block}, {"concordance", nullptr}, {"loss", nullptr}, {"patients", nullptr}};
  if (Enough(sum, "concordance/counts")) {
    ASSIGN_OR_RETURN(result["concordance"], Concordance(sum));
  }
  if (Enough(sum, "test/counts")) {
    ASSIGN_OR_RETURN(result["test"], Test(plan, sum));
  }
  if (Enough(sum, "loss/sum")) {
    ASSIGN_OR_RETURN(const auto loss, Statistic(sum, "loss/sum"));
    if (loss[kLossPatients] > 0.0) result["loss"] = loss[kLossSum] / loss[kLossPatients];
    result["patients"] = Published(plan, loss[kLossPatients]);
    if (!result["concordance"].is_null()) result["concordance"]["events"] = Published(plan, loss[kLossEvents]);
  }
  if (Enough(sum, "calibration/expected")) {
    ASSIGN_OR_RETURN(const auto expected, Statistic(sum, "calibration/expected"));
    ASSIGN_OR_RETURN(const auto observed, Counts(sum, "calibration/observed"));
    result["calibration"] = {{"expected", expected}, {"observed", Published(plan, observed)}};
  }
  Outcome outcome;
  outcome.result_json = result.dump();
  return outcome;
}

}  // namespace fedtrial::coordinator
