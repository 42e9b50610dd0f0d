#include "proto/plan/task_kinds.h"

namespace fedtrial {
namespace {

StepSettings Read(TomlTable&, const Plan&) { return NormaliseStep{}; }

Result<std::vector<TensorSpec>> Tensors(const Plan& plan, const Task&, const ModelHeader&) {
  std::vector<TensorSpec> tensors;
  for (const Replica& replica : Replicas(plan)) {
    for (const Feature& feature : plan.features) {
      const std::string block = replica.prefix + "feature_" + feature.name;
      for (const char* name : {"/count", "/sum", "/square_sum"}) tensors.push_back({block + name, {1}});
    }
  }
  return tensors;
}

}  // namespace

const TaskKind kNormalise{"normalise", Read, Tensors, StatisticsEncoding};

}  // namespace fedtrial
