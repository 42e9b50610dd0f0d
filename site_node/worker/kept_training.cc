#include "site_node/worker/kept_training.h"

#include <fmt/format.h>

#include "common/runtime/clock.h"
#include "common/runtime/files.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxStateBytes = std::size_t{4} << 30;

}  // namespace

KeptTraining::KeptTraining(const std::filesystem::path& cache_folder, SecretBytes<32> key, const Digest& task,
                           Duration every, Say say)
    : folder_(cache_folder / "training"),
      file_(folder_ / "state"),
      sealer_(Sealer::FromKey(std::move(key), "", random_)),
      role_("training-state/" + ToHex(task)),
      every_(every),
      say_(std::move(say)),
      kept_at_(SteadyNow()) {}

TrainingMemory KeptTraining::Memory() {
  TrainingMemory memory;
  std::error_code error;
  if (std::filesystem::exists(file_, error)) {
    auto state = sealer_.ReadFile(file_, role_, kMaxStateBytes);
    if (state.ok())
      memory.kept = std::move(*state);
    else
      Remove();
  }
  memory.due = [this] { return SteadyNow() - kept_at_ >= every_; };
  memory.keep = [this](ByteView state) {
    Keep(state);
    return Status();
  };
  return memory;
}

void KeptTraining::Keep(ByteView state) {
  Status kept = EnsurePrivateFolder(folder_);
  if (kept.ok()) kept = RemoveTemporaryFiles(folder_);  // of a worker that was killed while it wrote
  if (kept.ok()) kept = sealer_.WriteFile(file_, role_, state);
  if (!kept.ok()) say_(fmt::format("the state of training can't be kept: {}", kept.error().message));
  kept_at_ = SteadyNow();
}

void KeptTraining::Remove() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace fedtrial::site
