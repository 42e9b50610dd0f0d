#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/runtime/process.h"
#include "common/runtime/sealed_file.h"
#include "proto/fedtrial/v1/worker.pb.h"
#include "proto/plan/layout.h"
#include "site_node/shell/config.h"
#include "site_node/shell/contribution_files.h"
#include "site_node/shell/node.h"

namespace fedtrial::site {

// Tasks in fedtrial-worker: a process of its own, since training may crash, eat memory or must be cancelled. It stays
// between rounds and goes when idle. Where it dies, another one does the task again, three times in all. It gets the
// plan, the model, the paths of data folder and cache and the cache's key, nothing else of the state folder. Run and
// Predict from one thread at a time; Cancel from any.
class TaskRunner {
 public:
  TaskRunner(SiteConfig config, StatePaths paths) : config_(std::move(config)), paths_(std::move(paths)) {}

  struct Job {
    std::string plan;  // plan.toml as approved
    Task task;
    Manifest manifest;
    // Both are opened anew where another worker does the task again; model and words pass through in pieces.
    std::function<Result<SealedReader>()> model;  // safetensors; empty before the first
    std::function<Result<WordsFile>(std::vector<Contribution::Block>)> words;
  };
  struct Answer {
    WordsFile::Saved words;
    Digest cohort{};  // of the summary it was made from
  };
  using Progress = std::function<void(double fraction, const std::string& what)>;
  Result<Answer> Run(const Job& job, const Progress& progress);
  // JSON of the worker: survival curves of one patient, or all ("").
  Result<std::string> Predict(const std::string& plan, const Bytes& model, const std::string& patient);

  void Cancel();   // kills the worker; a running Run fails
  void EndIdle();  // lets the worker go if it has been idle longer than the configuration says
  void End();

 private:
  Result<ChildProcess*> Worker();  // starts another where there is none or it has died
  bool WorkerDied();
  Status GiveCacheKey(std::string& into) const;
  // `model`: what follows the request in parts, read front to back; null: none.
  Result<v1::WorkerReply> Ask(const v1::WorkerRequest& request, SealedReader* model, const Progress& progress);
  Result<Answer> RunOnce(const Job& job, const Progress& progress);
  static Result<Answer> ReceiveValues(ChildProcess& worker, const v1::Answered& answered, const Job& job);

  const SiteConfig config_;
  const StatePaths paths_;
  std::mutex mutex_;  // guards worker_ and last_used_
  std::shared_ptr<ChildProcess> worker_;
  Time last_used_{};
  std::atomic<bool> busy_ = false;
  std::atomic<std::uint64_t> cancels_ = 0;
};

}  // namespace fedtrial::site
