#include "model/training/step_loop.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "model/training/batch_order.h"
#include "security/crypto/sha256.h"

namespace fedtrial {
namespace {

ByteWriter Labelled(std::string_view label, const NetworkSettings& settings) {
  ByteWriter writer;
  writer.Label(label).U64(settings.seed).Raw(settings.cohort).U64(settings.replica);
  return writer;
}

}  // namespace

Status RunSteps(std::string_view stage, std::size_t items, const NetworkSettings& settings, LocalState& state,
                const TakeStep& take) {
  const std::size_t batch = settings.batch == 0 ? items : settings.batch;
  const std::size_t steps = settings.epochs * ((items + batch - 1) / batch);
  ByteWriter task = Labelled("fl/network-task/v1", settings);
  task.Enc(stage).U64(steps).U64(batch).U64(items);
  state.Describe(task);
  const Digest fingerprint = Sha256(task.bytes());
  std::uint64_t done = 0;
  if (!settings.resume.empty()) {
    ASSIGN_OR_RETURN(done, state.Load(settings.resume, fingerprint));
  }
  std::vector<std::size_t> all(items);
  std::iota(all.begin(), all.end(), std::size_t{0});
  BatchOrder order(std::move(all), batch, BatchSeed(settings.seed, settings.cohort, settings.replica));
  for (std::uint64_t step = 0; step < steps; ++step) {
    const auto next = order.Next();
    if (step < done) continue;
    if (settings.cancelled && settings.cancelled()) return Error{ErrorCode::kUnavailable, "training: cancelled"};
    std::vector<std::size_t> drawn(next.begin(), next.end());
    std::ranges::sort(drawn);  // so that a full batch is the same in every pass
    SeededRandom random(Sha256(Labelled("fl/dropout/v1", settings).U64(step).bytes()));
    RETURN_IF_ERROR(take(drawn, random));
    const bool in_turn = settings.save_every > 0 && (step + 1) % settings.save_every == 0;
    if (settings.save && (in_turn || (settings.save_due && settings.save_due())))
      RETURN_IF_ERROR(settings.save(state.Save(fingerprint, step + 1)));
    if (settings.on_way) settings.on_way(static_cast<double>(step + 1) / static_cast<double>(steps));
  }
  return {};
}

}  // namespace fedtrial
