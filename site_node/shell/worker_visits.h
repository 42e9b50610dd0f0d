#pragma once

#include <mutex>

#include "common/runtime/process.h"
#include "site_node/shell/config.h"
#include "site_node/shell/prepare_run.h"

namespace fedtrial::site {

// A fedtrial-worker for visits; where it dies, the visit couldn't be tried and the next one gets another worker.
class WorkerVisits : public VisitRunner {
 public:
  WorkerVisits(const SiteConfig& config, const std::filesystem::path& cache, std::string plan,
               const SecretBytes<32>& key)
      : config_(config), site_config_(config.WorkerJson(cache)), plan_(std::move(plan)), key_(key.Clone()) {}

  Result<v1::VisitPrepared> Prepare(const VisitScans& visit, const std::string& laid_onto,
                                    const std::string& known_key) override;
  void Stop() override;

 private:
  Result<std::shared_ptr<ChildProcess>> Worker();
  Result<v1::VisitPrepared> Ask(ChildProcess& worker, const v1::WorkerRequest& request);
  Error Died(ChildProcess& worker, Error why);

  const SiteConfig& config_;
  const std::string site_config_;
  const std::string plan_;
  const SecretBytes<32> key_;
  std::mutex mutex_;  // guards what follows
  std::shared_ptr<ChildProcess> worker_;
  bool stopped_ = false;
};

}  // namespace fedtrial::site
