#include "proto/plan/check_plan.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "proto/plan/layout.h"
#include "proto/plan/network.h"

namespace fedtrial {

void CheckCuts(TomlTable& endpoint, const std::vector<double>& cuts_days) {
  constexpr std::size_t kMaxCuts = 1000;
  const bool rising = std::adjacent_find(cuts_days.begin(), cuts_days.end(),
                                         [](double a, double b) { return !(a < b); }) == cuts_days.end();
  if (!cuts_days.empty() && (!rising || !(cuts_days.front() > 0.0) || cuts_days.size() > kMaxCuts))
    endpoint.Report("cuts", fmt::format("wanted up to {} ends of bins, above 0 and rising", kMaxCuts));
}

void CheckLandmarks(TomlTable& endpoint, const std::vector<double>& landmarks_days) {
  constexpr std::size_t kMaxLandmarks = 50;
  const bool rising =
      std::ranges::adjacent_find(landmarks_days, [](double a, double b) { return !(a < b); }) == landmarks_days.end();
  if (landmarks_days.empty() || !rising || landmarks_days.front() < 0.0 || landmarks_days.size() > kMaxLandmarks)
    endpoint.Report("landmarks", fmt::format("wanted 1 to {} times, 0 or later and rising", kMaxLandmarks));
}

void CheckRules(TomlTable& rules, const Rules& read) {
  if (read.min_sites > read.sites)
    rules.Report("min_sites",
                 fmt::format("{} is larger than rules.sites ({}); no round could begin", read.min_sites, read.sites));
  if (read.threshold > read.min_sites)
    rules.Report("threshold", fmt::format("{} is larger than rules.min_sites ({}); unmasking could never finish",
                                          read.threshold, read.min_sites));
  constexpr std::uint32_t kCompleteGraph = 100;
  if (read.sites > kCompleteGraph && read.threshold < 2 * read.sites / 3 + 1)
    rules.Report("threshold", fmt::format("{} with {} sites; above {} sites wanted {} or more", read.threshold,
                                          read.sites, kCompleteGraph, 2 * read.sites / 3 + 1));
  else if (2 * read.threshold <= read.sites)
    rules.Report("threshold", fmt::format("{} isn't more than half of rules.sites ({}); two included sets could both "
                                          "be signed; wanted {} or more, {} beside a lying coordinator",
                                          read.threshold, read.sites, read.sites / 2 + 1, 2 * read.sites / 3 + 1));
}

void CheckEncoding(TomlTable& encoding, const Plan& plan) {
  if (plan.rules.sites == 0 || plan.encoding.patient_cap == 0) return;  // reported already
  if (const auto train = TrainEncoding(plan); !train.ok())
    encoding.Report("clip", fmt::format("{} (rules.sites {}, encoding.patient_cap {}): wanted 64-bit words, a smaller "
                                        "clip or a smaller cap",
                                        train.error().message, plan.rules.sites, plan.encoding.patient_cap));
  const auto statistics = StatisticsEncoding(plan);
  const auto cap = static_cast<double>(plan.encoding.patient_cap);
  // The largest statistic is a number of pairs of patients: cap^2 leaves room for twice the pairs of the largest site.
  if (!statistics.ok() || cap * cap > statistics->clip)
    encoding.Report("patient_cap",
                    fmt::format("the pairs of {} patients of one site don't fit into 64-bit words of {} "
                                "sites; wanted a square below {}",
                                plan.encoding.patient_cap, plan.rules.sites, statistics.ok() ? statistics->clip : 0.0));
}

namespace {

class StepOrder {
 public:
  explicit StepOrder(const Plan& plan) : plan_(plan) {}

  void Check(TomlTable& table, const Step& step) {
    if (std::holds_alternative<NormaliseStep>(step.settings)) {
      if (normalised_) table.Report("task", "normalise is there twice");
      normalised_ = true;
    } else if (const auto* grid = std::get_if<GridStep>(&step.settings)) {
      if (!gridded_.insert(grid->endpoint).second)
        table.Report("task", fmt::format("endpoint \"{}\" has two grids", grid->endpoint));
    } else if (const auto* train = std::get_if<TrainStep>(&step.settings)) {
      CheckModel(table, train->block, train->endpoint);
      trained_.insert(train->block);
      for (const std::string& block : recalibrated_)
        if (block == train->block || (IsNetwork(plan_, train->block) && IsOfTrainedNetwork(block)))
          table.Report("block",
                       fmt::format("\"{}\" was recalibrated before: recalibrate after all its training", block));
    } else if (const auto* evaluate = std::get_if<EvaluateStep>(&step.settings)) {
      CheckModel(table, evaluate->block, evaluate->endpoint);
      CheckTrained(table, evaluate->block);
    } else if (const auto* recalibrate = std::get_if<RecalibrateStep>(&step.settings)) {
      CheckModel(table, recalibrate->block, recalibrate->endpoint);
      CheckTrained(table, recalibrate->block);
      recalibrated_.insert(recalibrate->block);
    }
  }

 private:
  void CheckModel(TomlTable& table, const std::string& block, const std::string& endpoint) {
    if (!normalised_) table.Report("task", "wanted a step normalise before");
    if (!gridded_.contains(endpoint))
      table.Report("task", fmt::format("wanted a step grid of endpoint \"{}\" before", endpoint));
    const auto [known, first] = endpoint_of_.emplace(block, endpoint);
    if (!first && known->second != endpoint)
      table.Report("endpoint",
                   fmt::format("block \"{}\" is of endpoint \"{}\" in an earlier step", block, known->second));
    const Block* head = plan_.FindBlock(block);
    if (head != nullptr && head->target == HeadTarget::kEndpoint && head->endpoint != endpoint)
      table.Report("endpoint", fmt::format("block \"{}\" predicts endpoint \"{}\"", block, head->endpoint));
  }

  void CheckTrained(TomlTable& table, const std::string& block) {
    if (!trained_.contains(block) && !IsOfTrainedNetwork(block))
      table.Report("block", fmt::format("\"{}\" has no train step before", block));
  }

  // The heads are trained with the fusion.
  bool IsOfTrainedNetwork(const std::string& block) const {
    const Block* head = plan_.FindBlock(block);
    return head != nullptr && head->kind == BlockKind::kHead && plan_.Fusion() != nullptr &&
           trained_.contains(plan_.Fusion()->name);
  }

  const Plan& plan_;
  bool normalised_ = false;
  std::set<std::string> gridded_, trained_, recalibrated_;
  std::map<std::string, std::string> endpoint_of_;
};

}  // namespace

void CheckSteps(std::vector<TomlTable>& steps, const Plan& plan) {
  StepOrder order(plan);
  for (std::size_t i = 0; i < steps.size(); ++i) order.Check(steps[i], plan.steps[i]);
}

}  // namespace fedtrial
