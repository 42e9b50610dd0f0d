#pragma once

#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

#include "proto/plan/layout.h"
#include "site_node/tasks/task.h"

namespace fedtrial::site {

// What a site answers at a place of the plan, by tensor. Fails the test that calls it if it can't.
inline std::map<std::string, std::vector<double>> Answered(const Plan& plan, const StepPosition& position,
                                                           const Cohort& cohort, const Model& model) {
  const Task task = TaskAt(plan, position, 3);
  const auto manifest = Layout(plan, task, model.Header(), Digest{});
  EXPECT_TRUE(manifest.ok()) << manifest.error().message;
  if (!manifest.ok()) return {};
  TaskContext context;
  const auto answer = Answer(plan, task, *manifest, cohort, model, context);
  EXPECT_TRUE(answer.ok()) << answer.error().message;
  std::map<std::string, std::vector<double>> values;
  for (std::size_t t = 0; answer.ok() && t < manifest->tensors.size(); ++t)
    values[manifest->tensors[t].name] = answer->tensors[t].ToDoubles();
  return values;
}

}  // namespace fedtrial::site
