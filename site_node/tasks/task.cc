#include "site_node/tasks/task.h"

#include <fmt/format.h>

#include "model/nets/torch_guard.h"
#include "site_node/tasks/task_kinds.h"

namespace fedtrial::site {
namespace {

struct Kind {
  std::string_view name;
  Result<Contribution> (*answer)(const TaskInput&, TaskContext&);
};
constexpr Kind kKinds[] = {
    {"normalise", AnswerNormalise},     {"grid", AnswerGrid}, {"train", AnswerTrain}, {"evaluate", AnswerEvaluate},
    {"recalibrate", AnswerRecalibrate},
};

}  // namespace

Result<Contribution> Answer(const Plan& plan, const Task& task, const Manifest& manifest, const Cohort& cohort,
                            const Model& before, TaskContext& context) {
  if (manifest.task != task.kind || manifest.step != task.position.step || manifest.step >= plan.steps.size())
    return Error{ErrorCode::kInternal, fmt::format("task \"{}\" isn't that of the round's manifest", task.kind)};
  RETURN_IF_ERROR(CheckCohort(plan, cohort));
  for (const Kind& kind : kKinds) {
    if (kind.name != task.kind) continue;
    return GuardTorch(task.kind, [&]() -> Result<Contribution> {
      return kind.answer({plan, task, manifest, cohort, before}, context);
    });
  }
  return Error{ErrorCode::kInvalidInput,
               fmt::format("task \"{}\" isn't known here, wanted one of: {}", task.kind, fmt::join(TaskKinds(), ", "))};
}

std::vector<std::string> TaskKinds() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

}  // namespace fedtrial::site
