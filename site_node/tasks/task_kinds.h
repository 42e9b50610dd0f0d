#pragma once

#include "site_node/tasks/task_input.h"

namespace fedtrial::site {

// One function a kind, in the file of its name; of this room alone. A new kind is a file and a row in task.cc.
Result<Contribution> AnswerNormalise(const TaskInput& input, TaskContext& context);
Result<Contribution> AnswerGrid(const TaskInput& input, TaskContext& context);
Result<Contribution> AnswerTrain(const TaskInput& input, TaskContext& context);
Result<Contribution> AnswerEvaluate(const TaskInput& input, TaskContext& context);
Result<Contribution> AnswerRecalibrate(const TaskInput& input, TaskContext& context);

}  // namespace fedtrial::site
