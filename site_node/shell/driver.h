#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "site_node/shell/config.h"
#include "site_node/shell/contribution_files.h"
#include "site_node/shell/link.h"
#include "site_node/shell/node.h"
#include "site_node/shell/task_runner.h"
#include "site_node/shell/telemetry.h"

namespace fedtrial::site {

// The daemon: one thread handles inputs and carries out effects in order; one job thread reads, trains, masks,
// downloads and uploads, one job after another, and answers with inputs. Post from any thread.
class Driver {
 public:
  static Result<std::unique_ptr<Driver>> Make(Node& node, SiteConfig config, Telemetry& telemetry);
  ~Driver();

  // Runs until Stop or a failing disk; the error says why it ended.
  Status Run();
  void Stop();

  void Post(Input input);
  // Runs on the driver's thread, between two inputs, and waits for it: how commands see and change the node.
  Result<std::string> Ask(const std::function<Result<std::string>(Node&)>& question);
  // An operator's command (commands.h), answered on the driver's thread.
  Result<std::string> Command(const std::string& command, const std::string& json);

  std::string StatusJson();
  const SiteConfig& config() const { return config_; }

 private:
  Driver(Node& node, SiteConfig config, Telemetry& telemetry);
  Link::Events LinkEvents();
  Status ConnectIfPossible();
  void CarryOut(Effect&& effect);
  void DoJobs();
  void StartJob(std::function<void()> job);
  void CheckRevocations();
  void RefreshCohort(bool even_if_unchanged);
  void ExchangeHeads();
  void SendApproval();
  Status Step(std::unique_lock<std::mutex>& lock);

  // Jobs, on the job thread.
  void FetchModelJob(Digest digest);
  void RunTaskJob(const Result<std::string>& plan, const RunTask& effect);
  void MaskJob(const MaskContribution& effect);
  void UploadJob(Upload effect);

  Node& node_;
  const SiteConfig config_;
  Telemetry& telemetry_;
  SystemRandom random_;
  TaskRunner runner_;
  std::unique_ptr<Link> link_;
  std::optional<VerifyKey> coordinator_key_;  // set before the threads start

  std::mutex mutex_;
  std::condition_variable wake_, jobs_wake_;
  std::deque<std::function<Status()>> queue_;  // what the driver's thread does next
  std::multimap<Time, std::uint64_t> timers_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::thread job_thread_;

  std::string data_stamp_;  // of the data folder's tables when last read
  std::string connection_;  // "" while connected, else why not
  std::string trial_state_ = "unknown";
  std::uint64_t bytes_uploaded_ = 0;
  double progress_ = 0.0;    // of the running task
  std::string cohort_text_;  // counts of the cohort, for the operator
};

}  // namespace fedtrial::site
