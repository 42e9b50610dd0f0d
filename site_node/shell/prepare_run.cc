#include "site_node/shell/prepare_run.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "common/runtime/files.h"
#include "site_node/cache/visit_entry.h"
#include "site_node/shell/visit_keeper.h"

namespace fedtrial::site {
namespace {

constexpr std::chrono::milliseconds kLookEvery{100};  // whether it was stopped

// The runners and what they share.
class PrepareRun {
 public:
  PrepareRun(const std::vector<VisitScans>& visits, const VolumeCache& cache, const PrepareSettings& settings)
      : settings_(settings), keeper_(settings.paths, settings.rules, cache), left_(visits.size()) {
    std::vector<VisitScans> of_patient;
    for (std::size_t i = 0; i < visits.size(); ++i) {
      of_patient.push_back(visits[i]);
      if (i + 1 < visits.size() && visits[i + 1].subject == visits[i].subject) continue;
      patients_.emplace_back(std::exchange(of_patient, {}));
    }
  }

  Status Run() {
    const std::size_t wanted = std::min<std::size_t>(settings_.side_by_side, left_);
    for (std::size_t i = 0; i < wanted; ++i) runners_.push_back(settings_.make_runner());
    std::vector<std::thread> threads;
    for (const auto& runner : runners_) threads.emplace_back([this, &runner] { Work(*runner); });
    Watch();
    for (std::thread& thread : threads) thread.join();
    if (ended_) return *ended_;
    return {};
  }

 private:
  struct Job {
    PatientQueue* patient = nullptr;
    PatientQueue::Turn turn;
  };

  // Until all is done, or it was stopped.
  void Watch() {
    std::unique_lock lock(mutex_);
    while (left_ > 0 && !ended_) {
      changed_.wait_for(lock, kLookEvery);
      if (left_ > 0 && !ended_ && settings_.stopped && settings_.stopped()) End(Stopped());
    }
    if (!ended_) return;
    lock.unlock();
    for (const auto& runner : runners_) runner->Stop();
  }

  static Error Stopped() { return {ErrorCode::kUnavailable, std::string(kStopped)}; }

  void End(Error why) {
    if (why == Stopped()) why.message = fmt::format("stopped with {} visits to go: the same command goes on", left_);
    if (!ended_) ended_ = std::move(why);
    changed_.notify_all();
  }

  std::optional<Job> TakeJob() {
    std::unique_lock lock(mutex_);
    while (left_ > 0 && !ended_) {
      for (PatientQueue& patient : patients_)
        if (auto turn = patient.Take()) return Job{&patient, std::move(*turn)};
      changed_.wait(lock);
    }
    return std::nullopt;
  }

  void Work(VisitRunner& runner) {
    while (const auto job = TakeJob()) {
      std::string baseline;
      const auto report = Try(job->turn, runner, baseline);
      const std::scoped_lock lock(mutex_);
      if (!report.ok()) return End(report.error());
      --left_;
      job->patient->Done(job->turn, baseline);
      if (settings_.tell) settings_.tell(*report);
      changed_.notify_all();
    }
  }

  static VisitReport Failed(const VisitScans& visit, const std::string& reason) {
    return {.subject = visit.subject,
            .session = visit.session,
            .kind = VisitReport::Kind::kFailed,
            .sequences = {},
            .reasons = {reason},
            .warnings = {}};
  }

  // An error ends the whole run.
  Result<VisitReport> Try(const PatientQueue::Turn& turn, VisitRunner& runner, std::string& baseline) {
    if (!turn.refused.empty()) return Failed(*turn.visit, turn.refused);
    VisitKeeper::Known known = keeper_.Look(*turn.visit, turn.laid_onto);
    VisitEntry entry = std::move(known.entry);
    if (known.settled) {
      baseline = entry.baseline;
      return keeper_.ReportOf(*turn.visit, entry, VisitReport::Kind::kAlready);
    }
    const auto answer = runner.Prepare(*turn.visit, turn.laid_onto, known.known_key);
    if (!answer.ok()) {
      const ErrorCode code = answer.error().code;
      if (code == ErrorCode::kUnavailable || code == ErrorCode::kInvalidInput) return answer.error();
      return Failed(*turn.visit, answer.error().message + " (not kept: the next run tries again)");
    }
    RETURN_IF_ERROR(keeper_.Keep(*turn.visit, turn.laid_onto, *answer, entry));
    baseline = entry.baseline;
    VisitReport report = keeper_.ReportOf(
        *turn.visit, entry, answer->unchanged() ? VisitReport::Kind::kAlready : VisitReport::Kind::kPrepared);
    report.warnings.assign(answer->warnings().begin(), answer->warnings().end());
    return report;
  }

  const PrepareSettings& settings_;
  const VisitKeeper keeper_;
  std::vector<std::unique_ptr<VisitRunner>> runners_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<PatientQueue> patients_;
  std::size_t left_;            // visits that aren't done
  std::optional<Error> ended_;  // before all was done
};

// Below `folder`, two deep, what `keep` doesn't hold.
void RemoveOthers(const std::filesystem::path& folder, const std::set<std::filesystem::path>& keep) {
  std::error_code error;
  std::vector<std::filesystem::path> others;
  for (const auto& subject : std::filesystem::directory_iterator(folder, error))
    for (const auto& session : std::filesystem::directory_iterator(subject.path(), error))
      if (!keep.contains(session.path())) others.push_back(session.path());
  for (const auto& other : others) {
    std::filesystem::remove_all(other, error);
    std::filesystem::remove(other.parent_path(), error);  // stays where something is in it
  }
}

}  // namespace

std::string_view ToString(VisitReport::Kind kind) {
  switch (kind) {
    case VisitReport::Kind::kPrepared:
      return "prepared";
    case VisitReport::Kind::kAlready:
      return "already";
    case VisitReport::Kind::kFailed:
      break;
  }
  return "failed";
}

Status PrepareVisits(const std::vector<VisitScans>& visits, const VolumeCache& cache, const PrepareSettings& settings) {
  return PrepareRun(visits, cache, settings).Run();
}

Status RemoveUnused(const std::vector<VisitScans>& visits, const StatePaths& paths) {
  std::set<std::filesystem::path> entries, reports;
  for (const VisitScans& visit : visits) {
    entries.insert(VisitEntryFile(paths.cache(), visit.subject, visit.session));
    reports.insert(paths.prepared() / visit.subject / visit.session);
  }
  RemoveOthers(paths.cache() / "visits", entries);
  RemoveOthers(paths.prepared(), reports);
  std::set<std::string> named;
  for (const VisitEntry& entry : ReadVisitEntries(paths.cache())) {
    named.insert(entry.baseline);
    for (const auto& [sequence, name] : entry.volumes) named.insert(name);
  }
  std::vector<std::filesystem::path> unnamed;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(paths.cache(), error)) {
    const std::string name = file.path().filename().string();
    if (name.size() == 64 && file.is_regular_file(error) && !named.contains(name)) unnamed.push_back(file.path());
  }
  for (const auto& file : unnamed) RETURN_IF_ERROR(RemoveFile(file));
  return {};
}

}  // namespace fedtrial::site
