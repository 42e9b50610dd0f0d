#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/plan/layout.h"
#include "proto/plan/plan.h"
#include "proto/plan/toml_reader.h"

namespace fedtrial {

// One row a kind of task; of this room alone. Each kind has a file of its name.
using StepSettings = decltype(Step::settings);

struct TaskKind {
  std::string_view name;
  // The settings of a [[step]]; features, blocks and endpoints of the plan are read already.
  StepSettings (*read)(TomlTable& table, const Plan& plan);
  // The tensors of its rounds; the settings at the task's position are of this kind (evaluate: or train).
  Result<std::vector<TensorSpec>> (*layout)(const Plan& plan, const Task& task, const ModelHeader& before);
  Result<Encoding> (*encoding)(const Plan& plan);
};

extern const TaskKind kNormalise, kGrid, kTrain, kEvaluate, kRecalibrate;
const TaskKind* FindTaskKind(std::string_view name);  // null if there is none

// The endpoint or block of this name; "" and a problem if the plan has none. An endpoint may be left out where the plan
// has one only.
std::string ReadEndpoint(TomlTable& table, const Plan& plan);
std::string ReadBlock(TomlTable& table, const Plan& plan);

// Tensor of the model, or kIntegrity; `shape` empty: any shape of one dimension.
Result<const TensorSpec*> FindInModel(const ModelHeader& before, std::string_view name, ScalarType type,
                                      const std::vector<std::uint64_t>& shape = {});
// Bins of an endpoint whose cuts stand in the plan or, once they are found, in the model.
Result<std::uint64_t> BinsOf(const Plan& plan, std::string_view endpoint, const ModelHeader& before);

}  // namespace fedtrial
