#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

#include "common/base/result.h"
#include "model/training/local_state.h"
#include "model/training/training_settings.h"
#include "security/crypto/seeded_random.h"

namespace fedtrial {

// What a stage of training does in one step with the items drawn for it (rising indices), from `random` alone.
using TakeStep = std::function<Status(std::span<const std::size_t> drawn, SeededRandom& random)>;

// `settings.epochs` passes over `items` >= 1 items, resumed and saved as the settings say. `stage` and the numbers in
// `state` bind what is saved. kUnavailable if it was cancelled.
Status RunSteps(std::string_view stage, std::size_t items, const NetworkSettings& settings, LocalState& state,
                const TakeStep& take);

}  // namespace fedtrial
