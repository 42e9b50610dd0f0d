#include "tests/simulation/program/plain_trial.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "coordinator/tasks/task.h"
#include "model/params/fixed_point.h"
#include "model/survival/scaling.h"
#include "proto/plan/layout.h"
#include "security/crypto/sha256.h"
#include "site_node/tasks/task.h"
#include "tests/simulation/hosts.h"

namespace fedtrial::sim {
namespace {

// The plan's steps that a block needs, with room in its sums for all patients at one place.
Plan OfBlockAlone(Plan plan, const std::string& block, const std::vector<const Cohort*>& cohorts) {
  std::erase_if(plan.steps, [&block](const Step& step) {
    if (std::holds_alternative<EvaluateStep>(step.settings)) return true;
    if (const auto* recalibrate = std::get_if<RecalibrateStep>(&step.settings)) return recalibrate->block != block;
    const auto* train = std::get_if<TrainStep>(&step.settings);
    return train != nullptr && train->block != block;
  });
  std::size_t largest = 1;
  for (const Cohort* cohort : cohorts) largest = std::max(largest, cohort->samples.size());
  for (Step& step : plan.steps)
    if (auto* train = std::get_if<TrainStep>(&step.settings)) train->evaluate_every = 0;
  plan.rules.sites = std::max(static_cast<std::uint32_t>(cohorts.size()), std::uint32_t{kMinContributors});
  plan.encoding.patient_cap = largest;
  plan.encoding.train_word_bits = 64;
  return plan;
}

// Blocks that anybody fills count as filled by enough.
void LiftContributors(std::size_t blocks, Words& sum) {
  std::visit(
      [blocks](auto& words) {
        for (std::size_t b = 0; b < blocks; ++b)
          if (words[2 * b + 1] > 0)
            words[2 * b + 1] =
                std::max(words[2 * b + 1], static_cast<std::decay_t<decltype(words[0])>>(kMinContributors));
      },
      sum);
}

class PlainTrial {
 public:
  PlainTrial(Plan plan, const std::vector<const Cohort*>& cohorts, const PlainOptions& options)
      : plan_(std::move(plan)), cohorts_(cohorts), options_(options) {}

  Result<Model> Run() {
    const std::size_t planned = PlannedRounds(plan_);
    StepPosition position;
    while (!IsFinished(plan_, position)) {
      if (options_.stopped && options_.stopped()) return Error{ErrorCode::kUnavailable, "stopped"};
      ASSIGN_OR_RETURN(const bool again, Round(position));
      if (options_.progress) options_.progress(std::min<std::size_t>(round_, planned), planned);
      position = NextPosition(plan_, position, again);
    }
    return std::move(model_);
  }

 private:
  // Whether the task wants another round of itself.
  Result<bool> Round(const StepPosition& position) {
    const Task task = TaskAt(plan_, position, ++round_);
    ASSIGN_OR_RETURN(const Manifest manifest, Layout(plan_, task, model_.Header(), Digest{}));
    Words words = ZeroWords(manifest.encoding.word_bits, manifest.Words());
    for (std::size_t c = 0; c < cohorts_.size(); ++c) {
      site::TaskContext context;
      context.cohort = Sha256(ByteWriter().Label("sim/plain/v1").U64(c).bytes());
      context.threads = options_.threads;
      context.device = options_.device;
      context.volumes = options_.volumes;
      context.tokens = &tokens_;
      ASSIGN_OR_RETURN(const Contribution answer, site::Answer(plan_, task, manifest, *cohorts_[c], model_, context));
      ASSIGN_OR_RETURN(const Encoded encoded, EncodeContribution(manifest, answer, {}));
      simulation::AddWords(words, encoded.words);
    }
    if (!options_.fewest_sites) LiftContributors(manifest.Blocks().size(), words);
    ASSIGN_OR_RETURN(const Sum sum, Sum::Over(manifest, words, plan_.rules.sites, plan_.encoding.patient_cap));
    ASSIGN_OR_RETURN(coordinator::Outcome outcome,
                     coordinator::Finish(plan_, task, sum, std::move(model_), server_, options_.start));
    if (outcome.next) model_ = std::move(*outcome.next);
    if (task.kind == "normalise" && !options_.fewest_sites) RETURN_IF_ERROR(ScaleByAllValues(sum));
    return outcome.again;
  }

  Status ScaleByAllValues(const Sum& sum) {
    for (const Replica& replica : Replicas(plan_)) {
      for (std::size_t j = 0; j < plan_.features.size(); ++j) {
        const Feature& feature = plan_.features[j];
        const std::string block = fmt::format("{}feature_{}", replica.prefix, feature.name);
        FeatureSums sums;
        for (auto [name, into] :
             {std::pair("count", &sums.count), {"sum", &sums.sum}, {"square_sum", &sums.sum_squares}}) {
          ASSIGN_OR_RETURN(const std::size_t tensor, sum.Find(fmt::format("{}/{}", block, name)));
          *into = sum.value(tensor, 0);
        }
        if (!(sums.count > 0.0)) continue;
        ASSIGN_OR_RETURN(const FeatureScale scale, ScaleFromSums(sums, feature.low, feature.high));
        model_.tensors.at(MeanName(replica)).set(j, scale.mean);
        model_.tensors.at(DeviationName(replica)).set(j, scale.deviation);
      }
    }
    return {};
  }

  const Plan plan_;
  const std::vector<const Cohort*>& cohorts_;
  const PlainOptions& options_;
  Model model_;
  coordinator::ServerState server_;
  std::uint64_t round_ = 0;
  site::TokenCache tokens_;
};

}  // namespace

Result<Model> TrainPlainly(const Plan& plan, const Block& block, const std::vector<const Cohort*>& cohorts,
                           const PlainOptions& options) {
  return PlainTrial(OfBlockAlone(plan, block.name, cohorts), cohorts, options).Run();
}

}  // namespace fedtrial::sim
