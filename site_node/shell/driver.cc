#include "site_node/shell/driver.h"

#include <ctime>
#include <fmt/format.h>
#include <future>
#include <nlohmann/json.hpp>

#include "common/runtime/clock.h"
#include "common/runtime/log.h"
#include "security/pki/certificates.h"
#include "security/pki/revocation.h"
#include "site_node/shell/commands.h"
#include "site_node/shell/data_folder.h"

namespace fedtrial::site {
namespace {

constexpr Duration kIdleCheck = std::chrono::seconds(5);

}  // namespace

Result<std::unique_ptr<Driver>> Driver::Make(Node& node, SiteConfig config, Telemetry& telemetry) {
  std::unique_ptr<Driver> driver(new Driver(node, std::move(config), telemetry));
  RETURN_IF_ERROR(driver->ConnectIfPossible());
  return driver;
}

Driver::Driver(Node& node, SiteConfig config, Telemetry& telemetry)
    : node_(node), config_(std::move(config)), telemetry_(telemetry), runner_(config_, node.paths()) {}

Driver::~Driver() { Stop(); }

Link::Events Driver::LinkEvents() {
  Link::Events events;
  events.envelope = [this](Envelope envelope) {
    const bool opens = envelope.phase == static_cast<std::uint8_t>(Phase::kHello);
    const std::scoped_lock lock(mutex_);
    queue_.push_back([this, opens, envelope = std::move(envelope)]() mutable -> Status {
      // A round is answered from the tables and the time as they are now.
      if (opens) {
        RefreshCohort(/*even_if_unchanged=*/false);
        CheckRevocations();
      }
      Post(EnvelopeReceived{std::move(envelope)});
      return {};
    });
    wake_.notify_all();
  };
  events.roster = [this](Bytes bytes) { Post(RosterReceived{std::move(bytes)}); };
  events.revocations = [this](Bytes bytes) { Post(RevocationsReceived{std::move(bytes)}); };
  events.trial = [this](const v1::TrialNotice& notice) {
    LogInfo("trial", {{"state", notice.state()}, {"reason", notice.reason()}});
    const std::scoped_lock lock(mutex_);
    trial_state_ = notice.state();
  };
  events.connection = [this](bool connected, const std::string& why) {
    telemetry_.Connection(connected, why);
    {
      const std::scoped_lock lock(mutex_);
      connection_ = connected ? "" : why;
    }
    if (!connected) return;
    StartJob([this] {
      SendApproval();
      ExchangeHeads();
    });
  };
  events.rejected = [this](const Envelope& envelope, const Error& error) {
    telemetry_.Rejected(fmt::format("phase {} message {}", envelope.phase, envelope.sequence), error);
  };
  return events;
}

Status Driver::ConnectIfPossible() {
  RETURN_IF_ERROR(CheckTlsFiles(node_.tls_files(), CertificateUse::kClient));
  ASSIGN_OR_RETURN(const Digest software, SoftwareDigest());
  ASSIGN_OR_RETURN(link_, Link::Open(node_.enrolment().coordinator, node_.tls_files(), node_.CoordinatorSpki(),
                                     software, random_, LinkEvents()));
  connection_ = "not yet connected";
  if (const VerifyKey* key = node_.CoordinatorKey()) coordinator_key_ = *key;
  return {};
}

void Driver::Post(Input input) {
  const std::scoped_lock lock(mutex_);
  queue_.push_back([this, input = std::move(input)]() -> Status {
    auto handled = node_.participant().Handle(input, SteadyNow());
    if (!handled.ok()) {
      telemetry_.Rejected("input", handled.error());
      return {};
    }
    return node_.CarryOut(std::move(handled).value(), [this](Effect&& effect) { CarryOut(std::move(effect)); });
  });
  wake_.notify_all();
}

Result<std::string> Driver::Ask(const std::function<Result<std::string>(Node&)>& question) {
  auto answer = std::make_shared<std::promise<Result<std::string>>>();
  auto future = answer->get_future();
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return Error{ErrorCode::kUnavailable, "this site is stopping"};
    queue_.push_back([this, answer, question]() -> Status {
      answer->set_value(question(node_));
      return {};
    });
  }
  wake_.notify_all();
  // A queue that is dropped on stopping breaks its promises.
  future.wait();
  try {
    return future.get();
  } catch (const std::future_error&) {
    return Error{ErrorCode::kUnavailable, "this site is stopping"};
  }
}

Result<std::string> Driver::Command(const std::string& command, const std::string& json) {
  return Ask([&](Node& node) {
    auto answer = AnswerCommand(node, command, json, [this](Effect&& effect) { CarryOut(std::move(effect)); });
    if (command == "approve" && answer.ok()) {
      RefreshCohort(/*even_if_unchanged=*/true);
      StartJob([this] { SendApproval(); });
    }
    return answer;
  });
}

Status Driver::Run() {
  job_thread_ = std::thread([this] { DoJobs(); });
  RefreshCohort(/*even_if_unchanged=*/true);
  Status status =
      node_.CarryOut(node_.participant().Resume(SteadyNow()), [this](Effect&& effect) { CarryOut(std::move(effect)); });
  link_->Start();
  std::unique_lock lock(mutex_);
  while (status.ok() && !stopping_) status = Step(lock);
  stopping_ = true;
  queue_.clear();
  lock.unlock();
  jobs_wake_.notify_all();
  runner_.Cancel();
  link_->Stop();
  job_thread_.join();
  runner_.End();
  return status;
}

Status Driver::Step(std::unique_lock<std::mutex>& lock) {
  if (queue_.empty()) {
    const auto ready = [this] { return stopping_ || !queue_.empty(); };
    if (timers_.empty()) {
      wake_.wait_for(lock, kIdleCheck, ready);
    } else {
      const Duration until = timers_.begin()->first - SteadyNow();
      if (until > Duration::zero()) wake_.wait_for(lock, until, ready);
    }
  }
  std::vector<std::uint64_t> due;
  while (!timers_.empty() && timers_.begin()->first <= SteadyNow()) {
    due.push_back(timers_.begin()->second);
    timers_.erase(timers_.begin());
  }
  Status status;
  if (!queue_.empty() && !stopping_) {
    const auto next = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    status = next();
    lock.lock();
  }
  lock.unlock();
  for (const std::uint64_t timer : due) Post(DeadlinePassed{timer});
  lock.lock();
  return status;
}

void Driver::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  jobs_wake_.notify_all();
}

void Driver::CarryOut(Effect&& effect) {
  if (auto* send = std::get_if<Send>(&effect)) {
    link_->Send(std::move(send->envelope));
  } else if (const auto* timer = std::get_if<SetTimer>(&effect)) {
    const std::scoped_lock lock(mutex_);
    timers_.emplace(SteadyNow() + timer->after, timer->timer);
  } else if (const auto* fetch = std::get_if<FetchModel>(&effect)) {
    StartJob([this, digest = fetch->digest] { FetchModelJob(digest); });
  } else if (auto* run = std::get_if<RunTask>(&effect)) {
    // Read here, on the thread that owns the participant.
    const auto plan = ReadPlanText(node_);
    StartJob([this, plan, job = *run] { RunTaskJob(plan, job); });
  } else if (std::holds_alternative<CancelTask>(effect)) {
    runner_.Cancel();
  } else if (auto* mask = std::get_if<MaskContribution>(&effect)) {
    auto shared = std::make_shared<MaskContribution>(std::move(*mask));
    StartJob([this, shared] { MaskJob(*shared); });
  } else if (const auto* upload = std::get_if<Upload>(&effect)) {
    StartJob([this, job = *upload] { UploadJob(job); });
  } else if (const auto* drop = std::get_if<DropUpload>(&effect)) {
    StartJob([this, round = drop->round] { DropUploads(node_.paths(), round.round); });
  } else if (const auto* observe = std::get_if<Observe>(&effect)) {
    telemetry_.Show(*observe);
    if (observe->kind == Observe::Kind::kCommitted) StartJob([this] { ExchangeHeads(); });
  }
}

void Driver::StartJob(std::function<void()> job) {
  const std::scoped_lock lock(mutex_);
  jobs_.push_back(std::move(job));
  jobs_wake_.notify_all();
}

void Driver::DoJobs() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (jobs_.empty()) {
      jobs_wake_.wait_for(lock, kIdleCheck, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) {
        lock.unlock();
        runner_.EndIdle();
        lock.lock();
      }
      continue;
    }
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

void Driver::CheckRevocations() {
  const auto& list = node_.participant().revocations();
  const Status fresh = list ? CheckFresh(*list, std::time(nullptr)) : Status();
  const Status applied = node_.Apply(RevocationsChecked{fresh.ok() ? "" : fresh.error().message}, SteadyNow(),
                                     [this](Effect&& effect) { CarryOut(std::move(effect)); });
  if (!applied.ok()) telemetry_.Rejected("revocations", applied.error());
}

void Driver::RefreshCohort(bool even_if_unchanged) {
  const auto& plan = node_.participant().plan();
  if (!plan) return;
  const std::string stamp = DataStamp(config_.data_folder, node_.paths().cache());
  if (!even_if_unchanged && stamp == data_stamp_) return;
  const auto read = ReadSiteCohort(*plan, config_, node_.paths().cache());
  if (!read.ok()) {
    LogError("the data folder can't be used; `fedtrial-site check` shows where", {{"why", read.error()}});
    return;
  }
  data_stamp_ = stamp;
  if (read->unprepared_volumes > 0)
    LogWarning("scans aren't prepared and are left out; `fedtrial-site prepare` makes volumes of them",
               {{"scans", read->unprepared_volumes}});
  cohort_text_ = fmt::format("{} patients, {} events", read->summary.patients, read->summary.events);
  const Status applied =
      node_.Apply(CohortRead{read->summary}, SteadyNow(), [this](Effect&& effect) { CarryOut(std::move(effect)); });
  if (!applied.ok()) telemetry_.Rejected("cohort", applied.error());
}

void Driver::FetchModelJob(Digest digest) {
  auto header = EnsureModel(node_, *link_, digest);
  if (header.ok())
    Post(ModelReady{digest, std::move(header).value()});
  else
    LogError("the model can't be fetched", {{"why", header.error()}});
}

void Driver::RunTaskJob(const Result<std::string>& plan, const RunTask& effect) {
  const auto result = [&]() -> Result<TaskFinished> {
    if (!plan.ok()) return plan.error();
    TaskRunner::Job job{*plan, effect.task, effect.manifest, nullptr, [&](std::vector<Contribution::Block> blocks) {
                          return WordsFile::Start(node_.sealer(), node_.paths().words(effect.round.round),
                                                  effect.manifest, std::move(blocks));
                        }};
    if (effect.before != Digest{}) job.model = [&] { return OpenModel(node_, effect.before); };
    ASSIGN_OR_RETURN(const TaskRunner::Answer answer, runner_.Run(job, [this](double fraction, const std::string&) {
      const std::scoped_lock lock(mutex_);
      progress_ = fraction;
    }));
    return TaskFinished{effect.round, answer.words.digest, answer.cohort, answer.words.clipped};
  }();
  if (result.ok())
    Post(result.value());
  else
    Post(TaskFailed{effect.round, result.error().message});
}

void Driver::MaskJob(const MaskContribution& effect) {
  const auto masked = MaskWords(node_.sealer(), node_.paths().words(effect.round.round), effect,
                                node_.paths().masked(effect.round), config_.threads);
  if (masked.ok())
    Post(MaskedReady{effect.round, masked->digest, masked->length});
  else
    Post(TaskFailed{effect.round, masked.error().message});
}

void Driver::UploadJob(Upload effect) {
  const Status sent = link_->Upload(effect.round, node_.paths().masked(effect.round), effect.digest, effect.length);
  if (sent.ok()) {
    telemetry_.Uploaded(effect.round, effect.length);
    {
      const std::scoped_lock lock(mutex_);
      bytes_uploaded_ += effect.length;
    }
    Post(UploadDone{effect.round});
  } else if (sent.error().code != ErrorCode::kUnavailable) {
    telemetry_.Rejected("upload", sent.error());
  }
}

void Driver::ExchangeHeads() {
  if (!coordinator_key_ || !link_->connected()) return;
  const Status exchanged = ExchangeAuditHeads(node_, *link_, *coordinator_key_);
  if (!exchanged.ok() && exchanged.error().code != ErrorCode::kUnavailable)
    telemetry_.Rejected("audit head", exchanged.error());
}

void Driver::SendApproval() {
  const Status sent = SendStoredApproval(node_, *link_);
  if (!sent.ok() && sent.error().code != ErrorCode::kUnavailable) telemetry_.Rejected("approval", sent.error());
}

std::string Driver::StatusJson() {
  const auto answer = Ask([this](Node& node) -> Result<std::string> {
    nlohmann::json json = NodeStatus(node);
    const std::scoped_lock lock(mutex_);
    json["running"] = true;
    json["connected"] = connection_.empty();
    json["connection"] = connection_;
    json["trial_state"] = trial_state_;
    json["cohort"] = cohort_text_;
    json["task_progress"] = progress_;
    json["bytes_uploaded"] = bytes_uploaded_;
    return json.dump();
  });
  return answer.ok() ? *answer : nlohmann::json({{"error", answer.error().message}}).dump();
}

}  // namespace fedtrial::site
