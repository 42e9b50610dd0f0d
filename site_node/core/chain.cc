#include "site_node/core/chain.h"

#include <algorithm>
#include <fmt/format.h>

namespace fedtrial::site {

Status CheckLink(const ModelLink& link, const VerifyKey& coordinator, std::uint64_t round_before,
                 const Digest& model_before) {
  const auto refuse = [&](std::string_view why) {
    return Error{ErrorCode::kIntegrity, fmt::format("the model of round {} {}", link.round, why)};
  };
  if (link.round <= round_before)
    return refuse(fmt::format("follows one of round {}; wanted a later round", round_before));
  if (link.before != model_before) return refuse("doesn't follow the model before it");
  if (!VerifyLabelled(coordinator, kModelLabel, link.SignedPart(), link.signature))
    return refuse("isn't signed by the coordinator");
  return {};
}

Status CheckChain(const std::vector<ModelLink>& links, const VerifyKey& coordinator,
                  const std::optional<ChainEnd>& known) {
  std::size_t first = 0;
  if (known) {
    if (links.size() < known->links)
      return Error{ErrorCode::kIntegrity,
                   fmt::format("the chain of models has {} rounds, this site has seen {}", links.size(), known->links)};
    first = known->links;
    if (links[first - 1] != known->link)
      return Error{ErrorCode::kIntegrity,
                   fmt::format("the chain of models says something else of round {} than before", known->link.round)};
  }
  for (std::size_t i = first; i < links.size(); ++i) {
    RETURN_IF_ERROR(
        CheckLink(links[i], coordinator, i == 0 ? 0 : links[i - 1].round, i == 0 ? Digest{} : links[i - 1].model));
  }
  return {};
}

Status CheckPosition(const Plan& plan, const StepPosition& position, std::uint64_t committed) {
  std::vector<StepPosition> possible{StepPosition{}};
  for (std::uint64_t round = 0; round < committed && !possible.empty(); ++round) {
    std::vector<StepPosition> next;
    const auto add = [&](const StepPosition& at) {
      if (std::find(next.begin(), next.end(), at) == next.end()) next.push_back(at);
    };
    for (const StepPosition& at : possible) {
      if (IsFinished(plan, at)) continue;
      add(NextPosition(plan, at, /*again=*/false));
      if (plan.steps[at.step].task == "grid" && at.round_in_step == 0) add(NextPosition(plan, at, /*again=*/true));
    }
    possible = std::move(next);
  }
  if (std::find(possible.begin(), possible.end(), position) != possible.end() && !IsFinished(plan, position)) return {};
  return Error{ErrorCode::kIntegrity,
               fmt::format("after {} committed rounds the plan doesn't stand at round {} of step {}", committed,
                           position.round_in_step, position.step)};
}

}  // namespace fedtrial::site
