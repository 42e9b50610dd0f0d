#include "coordinator/shell/step_result.h"

#include <utility>

#include "coordinator/tasks/task.h"
#include "security/masking/context.h"

namespace fedtrial::coordinator {
namespace {

Result<ServerState> ReadServerState(const ModelFiles& models, const Digest& model) {
  ASSIGN_OR_RETURN(const Bytes bytes, models.ReadServerState(model));
  if (bytes.empty()) return ServerState{};
  return ServerState::Decode(bytes);
}

Result<Outcome> RunTask(const Plan& plan, const FinishStep& effect, const Sum& sum, const ModelFiles& models,
                        ServerState& server, ModelHeader& before_header) {
  Model before;
  if (effect.before != Digest{}) {
    ASSIGN_OR_RETURN(before, models.Read(effect.before));
    ASSIGN_OR_RETURN(server, ReadServerState(models, effect.before));
  }
  before_header = before.Header();
  StartFileTensors start;
  if (plan.network.start && effect.task.kind == "grid") {
    ASSIGN_OR_RETURN(const Bytes file, models.ReadStart());
    ASSIGN_OR_RETURN(start, ReadStartFile(plan, file));
  }
  return Finish(plan, effect.task, sum, std::move(before), server, start);
}

}  // namespace

Result<StepFinished> MakeStepResult(const Plan& plan, const FinishStep& effect, const Sum& sum,
                                    const ModelFiles& models) {
  StepFinished finished;
  finished.round = effect.round;
  finished.model = effect.before;
  ServerState server;
  // The model before is gone when the next one is written: never more than three copies of its size.
  ASSIGN_OR_RETURN(Outcome outcome, RunTask(plan, effect, sum, models, server, finished.header));
  finished.again = outcome.again;
  finished.result = std::move(outcome.result_json);
  if (!outcome.next) return finished;
  // Bound to no attempt and no keys: the same included sets give the same file.
  const Digest included = SetHash(kIncludedSet, Digest{}, effect.included);
  Identify(*outcome.next, {plan.trial_id, plan.hash, effect.round.round, effect.before, included});
  finished.header = outcome.next->Header();
  ASSIGN_OR_RETURN(finished.model, models.Write(*outcome.next));
  if (!server.moments.empty()) {
    ASSIGN_OR_RETURN(const Bytes bytes, server.Encode());
    RETURN_IF_ERROR(models.WriteServerState(finished.model, bytes));
  }
  return finished;
}

}  // namespace fedtrial::coordinator
