#include "site_node/shell/task_runner.h"

#include <cstring>
#include <fmt/format.h>
#include <optional>

#include "common/runtime/clock.h"
#include "common/runtime/log.h"
#include "security/crypto/system_random.h"
#include "site_node/shell/cache_key.h"
#include "site_node/shell/worker_process.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kPartBytes = std::size_t{1} << 20;
constexpr int kTries = 3;  // of a task whose worker dies

std::uint32_t PartsOf(std::uint64_t bytes) { return static_cast<std::uint32_t>((bytes + kPartBytes - 1) / kPartBytes); }

// The next part of the model.
Status ReadPart(SealedReader& model, std::string& data) {
  data.resize(kPartBytes);
  ASSIGN_OR_RETURN(const std::size_t size, model.Read({reinterpret_cast<std::uint8_t*>(data.data()), data.size()}));
  data.resize(size);
  return {};
}

v1::WorkerRequest RequestOf(const TaskRunner::Job& job, const std::string& site_config) {
  v1::WorkerRequest request;
  v1::AnswerTask& answer = *request.mutable_answer();
  answer.set_plan(job.plan);
  answer.set_site_config(site_config);
  answer.set_step(job.task.position.step);
  answer.set_round_in_step(job.task.position.round_in_step);
  answer.set_evaluating(job.task.position.evaluating);
  answer.set_round(job.task.round);
  answer.set_model_digest(job.manifest.model.data(), job.manifest.model.size());
  return request;
}

}  // namespace

Result<ChildProcess*> TaskRunner::Worker() {
  const std::scoped_lock lock(mutex_);
  if (worker_ && worker_->running()) return worker_.get();
  ASSIGN_OR_RETURN(auto worker, StartWorker(config_, config_.threads));
  worker_ = std::move(worker);
  return worker_.get();
}

// Read anew each time: `prepare` may have made it meanwhile.
Status TaskRunner::GiveCacheKey(std::string& into) const {
  SystemRandom random;
  ASSIGN_OR_RETURN(const auto key, LoadCacheKey(paths_, random));
  if (key) into.assign(AsText(key->view()));
  return {};
}

Result<v1::WorkerReply> TaskRunner::Ask(const v1::WorkerRequest& request, SealedReader* model,
                                        const Progress& progress) {
  ASSIGN_OR_RETURN(ChildProcess* const worker, Worker());
  RETURN_IF_ERROR(worker->Send(Serialized(request)));
  if (model != nullptr) {
    v1::WorkerPart part;
    for (std::uint32_t i = 0; i < request.answer().model_parts(); ++i) {
      RETURN_IF_ERROR(ReadPart(*model, *part.mutable_data()));
      RETURN_IF_ERROR(worker->Send(Serialized(part)));
    }
  }
  while (true) {
    ASSIGN_OR_RETURN(const Bytes message, worker->Receive());
    v1::WorkerReply reply;
    if (!reply.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return Error{ErrorCode::kInternal, "fedtrial-worker sent a reply that can't be read"};
    if (reply.has_progress()) {
      if (progress) progress(reply.progress().fraction(), reply.progress().what());
      continue;
    }
    if (reply.has_failed()) return ErrorOf(reply.failed());
    return reply;
  }
}

Result<TaskRunner::Answer> TaskRunner::RunOnce(const Job& job, const Progress& progress) {
  v1::WorkerRequest request = RequestOf(job, config_.WorkerJson(paths_.cache()));
  if (job.task.kind == "train") {  // its state is kept in the cache, whether there are volumes or not
    SystemRandom random;
    ASSIGN_OR_RETURN([[maybe_unused]] const auto key, MakeCacheKey(paths_, random));
  }
  RETURN_IF_ERROR(GiveCacheKey(*request.mutable_answer()->mutable_cache_key()));
  std::optional<SealedReader> model;
  if (job.model) {
    ASSIGN_OR_RETURN(model, job.model());
    if (model->size() > kPartBytes)
      request.mutable_answer()->set_model_parts(PartsOf(model->size()));
    else
      RETURN_IF_ERROR(ReadPart(*model, *request.mutable_answer()->mutable_model()));
  }
  ASSIGN_OR_RETURN(const v1::WorkerReply reply, Ask(request, model ? &*model : nullptr, progress));
  if (!reply.has_answered()) return Error{ErrorCode::kInternal, "fedtrial-worker answered another question"};
  ASSIGN_OR_RETURN(ChildProcess* const worker, Worker());
  return ReceiveValues(*worker, reply.answered(), job);
}

Result<TaskRunner::Answer> TaskRunner::Run(const Job& job, const Progress& progress) {
  busy_ = true;
  const std::uint64_t cancels = cancels_;
  auto answer = RunOnce(job, progress);
  for (int tries = 1; tries < kTries && !answer.ok() && WorkerDied() && cancels_ == cancels; ++tries) {
    LogWarning("task started again", {{"why", answer.error()}});
    answer = RunOnce(job, progress);
  }
  const std::scoped_lock lock(mutex_);
  last_used_ = SteadyNow();
  busy_ = false;
  if (!answer.ok()) worker_.reset();  // the rest of an answer may lie in its pipe: the next task gets another
  return answer;
}

bool TaskRunner::WorkerDied() {
  const std::scoped_lock lock(mutex_);
  return worker_ != nullptr && !worker_->running();
}

Result<TaskRunner::Answer> TaskRunner::ReceiveValues(ChildProcess& worker, const v1::Answered& answered,
                                                     const Job& job) {
  const std::size_t blocks = job.manifest.Blocks().size();
  if (static_cast<std::size_t>(answered.weights_size()) != blocks ||
      static_cast<std::size_t>(answered.contributes_size()) != blocks)
    return Error{ErrorCode::kInternal,
                 fmt::format("fedtrial-worker answered {} blocks, the round has {}", answered.weights_size(), blocks)};
  Answer answer;
  if (answered.cohort().size() != answer.cohort.size())
    return Error{ErrorCode::kInternal, "fedtrial-worker named no cohort"};
  std::memcpy(answer.cohort.data(), answered.cohort().data(), answer.cohort.size());

  std::vector<Contribution::Block> weights;
  for (int i = 0; i < answered.weights_size(); ++i) weights.push_back({answered.weights(i), answered.contributes(i)});
  ASSIGN_OR_RETURN(WordsFile words, job.words(std::move(weights)));
  v1::WorkerPart part;
  for (std::uint32_t i = 0; i < answered.value_parts(); ++i) {
    ASSIGN_OR_RETURN(const Bytes message, worker.Receive());
    if (!part.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return Error{ErrorCode::kInternal, "fedtrial-worker sent values that can't be read"};
    RETURN_IF_ERROR(words.Add(AsBytes(part.data())));
  }
  ASSIGN_OR_RETURN(answer.words, words.Finish());
  return answer;
}

Result<std::string> TaskRunner::Predict(const std::string& plan, const Bytes& model, const std::string& patient) {
  v1::WorkerRequest request;
  v1::Predict& predict = *request.mutable_predict();
  predict.set_plan(plan);
  predict.set_site_config(config_.WorkerJson(paths_.cache()));
  RETURN_IF_ERROR(GiveCacheKey(*predict.mutable_cache_key()));
  predict.set_model(model.data(), model.size());
  predict.set_patient(patient);
  ASSIGN_OR_RETURN(const v1::WorkerReply reply, Ask(request, nullptr, nullptr));
  if (!reply.has_predicted()) return Error{ErrorCode::kInternal, "fedtrial-worker answered another question"};
  return reply.predicted().json();
}

void TaskRunner::Cancel() {
  ++cancels_;
  const std::scoped_lock lock(mutex_);
  if (worker_) worker_->Kill();
}

void TaskRunner::EndIdle() {
  const std::scoped_lock lock(mutex_);
  if (worker_ && !busy_ && SteadyNow() - last_used_ > std::chrono::seconds(config_.worker_idle_seconds))
    worker_.reset();
}

void TaskRunner::End() {
  const std::scoped_lock lock(mutex_);
  worker_.reset();
}

}  // namespace fedtrial::site
