#include "site_node/shell/task_runner.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

#include "common/runtime/clock.h"
#include "common/runtime/log.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kPartBytes = std::size_t{4} << 20;
constexpr int kTries = 3;  // of a task whose worker dies
constexpr std::size_t kMaxReply = std::size_t{64} << 20;

Bytes Serialized(const google::protobuf::MessageLite& message) {
  Bytes bytes(message.ByteSizeLong());
  message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

ErrorCode CodeFromText(const std::string& text) {
  for (const ErrorCode code :
       {ErrorCode::kInvalidInput, ErrorCode::kIntegrity, ErrorCode::kUnavailable, ErrorCode::kNotApproved})
    if (ToString(code) == text) return code;
  return ErrorCode::kInternal;
}

// Appends little-endian values of one tensor's type from `bytes`.
template <typename T>
void AppendValues(std::vector<T>& values, std::size_t& filled, ByteView bytes) {
  std::memcpy(reinterpret_cast<std::uint8_t*>(values.data()) + filled, bytes.data(), bytes.size());
  filled += bytes.size();
}

}  // namespace

Result<ChildProcess*> TaskRunner::Worker() {
  const std::scoped_lock lock(mutex_);
  if (worker_ && worker_->running()) return worker_.get();
  std::filesystem::path program = config_.worker;
  if (program.empty()) {
    std::error_code error;
    program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "fedtrial-worker";
  }
  ChildOptions options;
  options.program = program;
  options.environment = {{"OMP_WAIT_POLICY", "PASSIVE"},
                         {"OMP_NUM_THREADS", std::to_string(config_.threads)},
                         {"OPENBLAS_NUM_THREADS", std::to_string(config_.threads)},
                         {"PATH", "/usr/bin:/bin"}};
  for (const char* name : {"LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OPENBLAS_CORETYPE"})
    if (const char* value = std::getenv(name)) options.environment[name] = value;
  options.max_message_bytes = kMaxReply;
  ASSIGN_OR_RETURN(auto worker, ChildProcess::Start(options));
  worker_ = std::move(worker);
  return worker_.get();
}

Result<v1::WorkerReply> TaskRunner::Ask(const v1::WorkerRequest& request, const Bytes* model,
                                        const Progress& progress) {
  ASSIGN_OR_RETURN(ChildProcess* const worker, Worker());
  RETURN_IF_ERROR(worker->Send(Serialized(request)));
  if (model != nullptr) {
    v1::WorkerPart part;
    for (std::size_t offset = 0; offset < model->size(); offset += kPartBytes) {
      part.set_data(model->data() + offset, std::min(kPartBytes, model->size() - offset));
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
    if (reply.has_failed()) return Error{CodeFromText(reply.failed().code()), reply.failed().reason()};
    return reply;
  }
}

Result<Contribution> TaskRunner::Run(const Job& job, const Progress& progress) {
  busy_ = true;
  v1::WorkerRequest request;
  v1::AnswerTask& answer = *request.mutable_answer();
  answer.set_plan(job.plan);
  answer.set_site_config(config_.WorkerJson());
  answer.set_step(job.task.position.step);
  answer.set_round_in_step(job.task.position.round_in_step);
  answer.set_evaluating(job.task.position.evaluating);
  answer.set_round(job.task.round);
  answer.set_model_digest(job.manifest.model.data(), job.manifest.model.size());
  const bool in_parts = job.model.size() > kPartBytes;
  if (in_parts)
    answer.set_model_parts(static_cast<std::uint32_t>((job.model.size() + kPartBytes - 1) / kPartBytes));
  else
    answer.set_model(job.model.data(), job.model.size());

  const std::uint64_t cancels = cancels_;
  const auto once = [&]() -> Result<Contribution> {
    ASSIGN_OR_RETURN(const v1::WorkerReply reply, Ask(request, in_parts ? &job.model : nullptr, progress));
    if (!reply.has_answered()) return Error{ErrorCode::kInternal, "fedtrial-worker answered another question"};
    ASSIGN_OR_RETURN(ChildProcess* const worker, Worker());
    return ReceiveValues(*worker, reply.answered(), job.manifest);
  };
  auto contribution = once();
  for (int tries = 1; tries < kTries && !contribution.ok() && WorkerDied() && cancels_ == cancels; ++tries) {
    LogWarning("task started again", {{"why", contribution.error()}});
    contribution = once();
  }
  const std::scoped_lock lock(mutex_);
  last_used_ = SteadyNow();
  busy_ = false;
  // A worker that spoke out of turn isn't asked again.
  if (!contribution.ok() && contribution.error().code == ErrorCode::kInternal) worker_.reset();
  return contribution;
}

bool TaskRunner::WorkerDied() {
  const std::scoped_lock lock(mutex_);
  return worker_ != nullptr && !worker_->running();
}

Result<Contribution> TaskRunner::ReceiveValues(ChildProcess& worker, const v1::Answered& answered,
                                               const Manifest& manifest) {
  Contribution contribution;
  const std::size_t blocks = manifest.Blocks().size();
  if (static_cast<std::size_t>(answered.weights_size()) != blocks ||
      static_cast<std::size_t>(answered.contributes_size()) != blocks)
    return Error{ErrorCode::kInternal,
                 fmt::format("fedtrial-worker answered {} blocks, the round has {}", answered.weights_size(), blocks)};
  for (int i = 0; i < answered.weights_size(); ++i)
    contribution.blocks.push_back({answered.weights(i), answered.contributes(i)});
  if (answered.cohort().size() != contribution.cohort.size())
    return Error{ErrorCode::kInternal, "fedtrial-worker named no cohort"};
  std::memcpy(contribution.cohort.data(), answered.cohort().data(), contribution.cohort.size());

  for (const TensorSpec& spec : manifest.tensors) contribution.tensors.push_back(Tensor::Zeros(spec));
  std::size_t tensor = 0;
  std::size_t filled = 0;
  v1::WorkerPart part;
  for (std::uint32_t i = 0; i < answered.value_parts(); ++i) {
    ASSIGN_OR_RETURN(const Bytes message, worker.Receive());
    if (!part.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return Error{ErrorCode::kInternal, "fedtrial-worker sent values that can't be read"};
    ByteView rest = AsBytes(part.data());
    while (!rest.empty()) {
      while (tensor < contribution.tensors.size() &&
             filled == contribution.tensors[tensor].size() * SizeOf(contribution.tensors[tensor].type())) {
        ++tensor;
        filled = 0;
      }
      if (tensor == contribution.tensors.size())
        return Error{ErrorCode::kInternal, "fedtrial-worker sent more values than the round has"};
      Tensor& into = contribution.tensors[tensor];
      const ByteView now = rest.first(std::min(rest.size(), into.size() * SizeOf(into.type()) - filled));
      std::visit([&](auto& values) { AppendValues(values, filled, now); }, into.values);
      rest = rest.subspan(now.size());
    }
  }
  const bool whole = contribution.tensors.empty() ||
                     (tensor + 1 >= contribution.tensors.size() &&
                      filled == contribution.tensors.back().size() * SizeOf(contribution.tensors.back().type()));
  if (!whole) return Error{ErrorCode::kInternal, "fedtrial-worker sent fewer values than the round has"};
  return contribution;
}

Result<std::string> TaskRunner::Predict(const std::string& plan, const Bytes& model, const std::string& patient) {
  v1::WorkerRequest request;
  v1::Predict& predict = *request.mutable_predict();
  predict.set_plan(plan);
  predict.set_site_config(config_.WorkerJson());
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
