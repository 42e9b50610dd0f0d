#include "model/survival/transition_counts.h"
#include "site_node/cohort/cohort.h"
#include "site_node/tasks/network.h"
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

// Of those who train in the replica and have a course, from day 0.
Result<TransitionCounts> CountTransitions(const Replica& replica, const Grid& grid, const Cohort& cohort) {
  ASSIGN_OR_RETURN(const StepGrid steps, StepGrid::FromCuts(grid.cuts()));
  const std::vector<bool> trains = TrainsIn(replica, cohort);
  TransitionCounts counts(steps.bins());
  for (std::size_t i = 0; i < cohort.samples.size(); ++i) {
    const auto& course = cohort.samples[i].course;
    if (!trains[i] || !course) continue;
    const ObservedCourse seen{course->last_negative_day, course->recurrence_day, course->last_day, course->died};
    ASSIGN_OR_RETURN(const auto place, PlaceCourse(steps, seen, 0));
    if (place) AddCourse(steps, *place, counts);
  }
  return counts;
}

// Who has each modality, of those who train the full model.
Status FillModalities(const TaskInput& input, ContributionBuilder& builder) {
  if (input.plan.Fusion() == nullptr) return {};
  const std::vector<bool> trains = TrainsIn(Replica{}, input.cohort);
  for (const Block* modality : input.plan.Modalities()) {
    double patients = 0.0;
    for (std::size_t i = 0; i < trains.size(); ++i)
      patients += trains[i] && Fills(input.plan, *modality, input.cohort.samples[i]);
    if (patients == 0.0) continue;
    builder.FillBlock(ModalityBlock(modality->name), 1);
    RETURN_IF_ERROR(builder.Set(ModalityBlock(modality->name) + "/patients", {patients}));
  }
  return {};
}

Status FillBins(const TaskInput& input, const GridStep& step, ContributionBuilder& builder) {
  RETURN_IF_ERROR(FillModalities(input, builder));
  ASSIGN_OR_RETURN(const Grid grid, GridOf(input.plan, step.endpoint, input.before));
  for (const Replica& replica : Replicas(input.plan)) {
    const std::string block = replica.prefix + "grid";
    RETURN_IF_ERROR(SetCounts(block, CountIn(replica, grid, input.cohort), builder));
    const auto patients = static_cast<double>(CountTrue(TrainsIn(replica, input.cohort)));
    RETURN_IF_ERROR(builder.Set(block + "/patients", {patients}));
    if (input.plan.FindEndpoint(step.endpoint)->kind == EndpointKind::kIllnessDeath) {
      ASSIGN_OR_RETURN(const TransitionCounts counts, CountTransitions(replica, grid, input.cohort));
      RETURN_IF_ERROR(builder.Set(block + "/steps", counts.at_risk));
      RETURN_IF_ERROR(builder.Set(block + "/transitions", counts.events));
    }
    if (const auto labels = CountLabels(input.plan, replica, input.cohort); !labels.empty())
      RETURN_IF_ERROR(builder.Set(block + "/labels", labels));
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
