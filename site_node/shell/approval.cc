#include "site_node/shell/approval.h"

#include <fmt/format.h>
#include <set>

namespace fedtrial::site {
namespace {

std::string DescribeStep(const Step& step) {
  if (const auto* train = std::get_if<TrainStep>(&step.settings))
    return fmt::format("train: {} rounds of block {} on endpoint {}, {} local steps", train->rounds, train->block,
                       train->endpoint, train->local.steps);
  if (step.task == "normalise") return "normalise: count, sum and sum of squares of each feature";
  if (step.task == "grid") return "grid: patients at risk and events per time bin";
  return step.task;
}

}  // namespace

std::string DescribePlan(const Plan& plan) {
  std::string text = fmt::format("Plan of trial {}: {}\n  SHA-256 {}\n", plan.trial_id, plan.title, ToHex(plan.hash));
  text += "Steps, each answered by one encrypted vector of which the coordinator learns the sum over sites alone:\n";
  for (const Step& step : plan.steps) text += "  " + DescribeStep(step) + "\n";
  std::set<std::string> columns;
  for (const Feature& feature : plan.features) columns.insert(feature.from);
  for (const Endpoint& endpoint : plan.endpoints) {
    columns.insert(endpoint.time_column);
    columns.insert(endpoint.event_column);
  }
  if (const Block* head = plan.PseudoProgression())
    for (const std::string& column : {head->scans.rating_column, head->scans.day_column, head->scans.confirm_column})
      columns.insert(column);
  text += fmt::format("Columns read: {}\n", fmt::join(columns, ", "));
  text += fmt::format("Rules: a sum holds at least {} of {} sites, a site contributes with at least {} patients\n",
                      plan.rules.min_sites, plan.rules.sites, plan.cohort.min_patients);
  if (plan.folds.repeats > 0)
    text += fmt::format("Cross-validation: {} repeats of {} folds, dealt and kept at the site\n", plan.folds.repeats,
                        plan.folds.folds);
  return text;
}

}  // namespace fedtrial::site
