#include "site_node/tasks/task_kinds.h"

namespace fedtrial::site {
namespace {

BinCounts CountIn(const Replica& replica, const Grid& grid, const Cohort& cohort) {
  const std::vector<bool> trains = TrainsIn(replica, cohort);
  std::vector<GridPlace> places;
  for (std::size_t i = 0; i < cohort.samples.size(); ++i)
    if (trains[i]) places.push_back(grid.PlaceOf({cohort.samples[i].time_days, cohort.samples[i].event}));
  return CountBins(places, grid.bins());
}

Status SetCounts(const std::string& block, const BinCounts& counts, ContributionBuilder& builder) {
  builder.FillBlock(block, 1);
  RETURN_IF_ERROR(builder.Set(block + "/at_risk", counts.at_risk));
  return builder.Set(block + "/events", counts.events);
}

// The histogram that the cuts are read from, where the plan leaves them open: of the full replica.
Status FillFine(const TaskInput& input, const GridStep& step, ContributionBuilder& builder) {
  std::vector<double> cuts;
  for (std::uint64_t k = 1; k <= FineBins(step); ++k) cuts.push_back(static_cast<double>(k) * step.width_days);
  ASSIGN_OR_RETURN(const Grid grid, Grid::FromCuts(std::move(cuts)));
  return SetCounts("fine", CountIn(Replica{}, grid, input.cohort), builder);
}

Status FillBins(const TaskInput& input, const GridStep& step, ContributionBuilder& builder) {
  ASSIGN_OR_RETURN(const Grid grid, GridOf(input.plan, step.endpoint, input.before));
  for (const Replica& replica : Replicas(input.plan)) {
    const std::string block = replica.prefix + "grid";
    RETURN_IF_ERROR(SetCounts(block, CountIn(replica, grid, input.cohort), builder));
    const auto patients = static_cast<double>(CountTrue(TrainsIn(replica, input.cohort)));
    RETURN_IF_ERROR(builder.Set(block + "/patients", {patients}));
  }
  return {};
}

}  // namespace

Result<Contribution> AnswerGrid(const TaskInput& input, TaskContext& context) {
  const auto* step = std::get_if<GridStep>(&input.plan.steps[input.task.position.step].settings);
  if (step == nullptr) return Error{ErrorCode::kInternal, "grid: the plan has another task at this step"};
  ContributionBuilder builder(input.manifest);
  if (CountTrue(TrainsIn(Replica{}, input.cohort)) > 0) {
    const auto blocks = input.manifest.Blocks();
    const bool fine = !blocks.empty() && blocks.front() == "fine";
    RETURN_IF_ERROR(fine ? FillFine(input, *step, builder) : FillBins(input, *step, builder));
  }
  return std::move(builder).Take(context.cohort);
}

}  // namespace fedtrial::site
