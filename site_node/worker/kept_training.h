#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/runtime/sealed_file.h"
#include "security/crypto/secret.h"
#include "security/crypto/system_random.h"
#include "site_node/tasks/task.h"

namespace fedtrial::site {

// The state of one task's training, for the worker that does the task again where this one is killed: a sealed file,
// training/state in the cache folder, which opens for the task of this digest alone. A file of another task is removed.
// One thread; only one at a time of a folder.
class KeptTraining {
 public:
  using Say = std::function<void(const std::string&)>;  // to the log: a state that can't be kept fails no task

  // `every`: between two times that the state is kept; 0: after every step.
  KeptTraining(const std::filesystem::path& cache_folder, SecretBytes<32> key, const Digest& task, Duration every,
               Say say);

  // Borrows this, which must not move meanwhile.
  TrainingMemory Memory();
  void Remove();

 private:
  void Keep(ByteView state);

  std::filesystem::path folder_, file_;
  SystemRandom random_;  // outlives sealer_
  Sealer sealer_;
  std::string role_;
  Duration every_;
  Say say_;
  Time kept_at_;
};

}  // namespace fedtrial::site
