#include "site_node/worker/worker.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>

#include "common/runtime/message_pipe.h"
#include "model/nets/device.h"
#include "model/params/model.h"
#include "model/training/blas_check.h"
#include "proto/plan/layout.h"
#include "security/crypto/sha256.h"
#include "site_node/cache/cached_visits.h"
#include "site_node/cache/volume_cache.h"
#include "site_node/cohort/cohort.h"
#include "site_node/cohort/scan_names.h"
#include "site_node/tasks/predict.h"
#include "site_node/tasks/task.h"
#include "site_node/worker/hangup_watch.h"
#include "site_node/worker/kept_training.h"
#include "site_node/worker/pipe_messages.h"
#include "site_node/worker/site_config.h"
#include "site_node/worker/visit_preparer.h"

namespace fedtrial::site {
namespace {

// What every kind of request begins with.
struct Asked {
  Plan plan;
  WorkerConfig config;
  std::optional<VolumeCache> cache;  // none where no key came
};

template <typename Request>
Result<Asked> ReadAsked(const Request& request) {
  ASSIGN_OR_RETURN(Plan plan, ParsePlan(request.plan(), "plan.toml"));
  ASSIGN_OR_RETURN(WorkerConfig config, ParseWorkerConfig(request.site_config()));
  if (const auto device = FindDevice(config.device); !device.ok()) return device.error();
  Asked asked{std::move(plan), std::move(config), std::nullopt};
  if (request.cache_key().empty() || asked.config.cache_folder.empty()) return asked;
  auto key = SecretBytes<32>::CopyOf(AsBytes(request.cache_key()));
  if (!key.ok()) return key.error().In("cache key");
  asked.cache.emplace(asked.config.cache_folder, std::move(*key));
  return asked;
}

// The cohort with the volumes that lie prepared in the cache: as the daemon reads it.
Result<CohortReading> ReadAskedCohort(const Asked& asked, bool without_outcome) {
  const CachedVisits prepared(asked.config.cache_folder, asked.plan.imaging);
  CohortOptions options;
  options.columns = asked.config.columns;
  options.without_outcome = without_outcome;
  if (!asked.config.cache_folder.empty()) options.prepared = &prepared;
  return ReadCohort(asked.plan, asked.config.data_folder, options);
}

// Of all that the answer of a task depends on, bit for bit.
Digest AnswerKey(const Asked& asked, const Task& task, const Digest& model, const Digest& cohort) {
  ByteWriter writer;
  writer.Label("fl/kept-training/v1").Raw(asked.plan.hash).Enc(task.kind).U32(task.position.step);
  writer.U32(task.position.round_in_step).U64(task.round).Raw(model).Raw(cohort);
  writer.U32(asked.config.threads).Enc(asked.config.device);
  return Sha256(writer.bytes());
}

const VolumeSource* SourceOf(const Asked& asked) { return asked.cache ? &*asked.cache : nullptr; }

Result<Model> ReadModel(const Bytes& bytes) {
  if (bytes.empty()) return Model{};
  return DecodeModel(bytes);
}

class Worker {
 public:
  Worker(int in_fd, int out_fd, bool own_process) : in_(in_fd), out_(out_fd), own_process_(own_process) {}

  int Run() {
    while (true) {
      const auto message = ReadMessage(in_, kMaxRequestBytes);
      if (!message.ok()) {
        Say(message.error().message);
        (void)SendFailed(out_, message.error());
        return 1;
      }
      if (!*message) return 0;
      const Status served = Serve(**message);
      if (!served.ok()) {
        Say(served.error().message);
        return 1;
      }
    }
  }

 private:
  // To the daemon's log: never a patient's value.
  static void Say(const std::string& text) { std::fputs(fmt::format("fedtrial-worker: {}\n", text).c_str(), stderr); }

  // An error means that the pipe is broken; a request that can't be met is answered.
  Status Serve(const Bytes& message) {
    v1::WorkerRequest request;
    if (!request.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return SendFailed(out_, {ErrorCode::kInvalidInput, "the request is no message of the worker's protocol"});
    if (!request.has_prepare()) WarnOnce();  // ITK alone works on a visit
    switch (request.kind_case()) {
      case v1::WorkerRequest::kAnswer:
        return ServeAnswer(request.answer());
      case v1::WorkerRequest::kPredict:
        return ServePredict(request.predict());
      case v1::WorkerRequest::kPrepare:
        return ServePrepare(request.prepare());
      case v1::WorkerRequest::KIND_NOT_SET:
        break;
    }
    return SendFailed(out_, {ErrorCode::kInvalidInput, "the request asks for nothing"});
  }

  Status ServeAnswer(const v1::AnswerTask& request) {
    if (request.model_parts() > kMaxModelParts) {
      const Error error{ErrorCode::kInvalidInput,
                        fmt::format("a model of {} parts, at most {} are read", request.model_parts(), kMaxModelParts)};
      RETURN_IF_ERROR(SendFailed(out_, error));
      return error;  // what follows on the pipe can't be told apart
    }
    auto model = ReceiveModel(in_, request);
    if (!model.ok() && model.error().code != ErrorCode::kInvalidInput) return model.error();
    const HangupWatch watch(in_);
    const auto contribution =
        model.ok() ? Guarded<Contribution>([&] { return AnswerTask(request, std::move(*model), watch.gone()); })
                   : Result<Contribution>(model.error());
    return contribution.ok() ? SendContribution(out_, *contribution) : SendFailed(out_, contribution.error());
  }

  Result<Contribution> AnswerTask(const v1::AnswerTask& request, Bytes model_bytes, const std::atomic<bool>& gone) {
    ASSIGN_OR_RETURN(const Asked asked, ReadAsked(request));
    const Digest digest = model_bytes.empty() ? Digest{} : Sha256(model_bytes);
    if (AsBytes(request.model_digest()).size() != digest.size() ||
        !std::ranges::equal(AsBytes(request.model_digest()), digest))
      return Error{ErrorCode::kIntegrity, fmt::format("the model isn't the one named: its digest is {}, got {}",
                                                      ToHex(digest), ToHex(AsBytes(request.model_digest())))};
    ASSIGN_OR_RETURN(const Model before, ReadModel(model_bytes));
    model_bytes = {};  // training has the model once
    const StepPosition position{request.step(), request.round_in_step(), request.evaluating()};
    const Task task = TaskAt(asked.plan, position, request.round());
    ASSIGN_OR_RETURN(const Manifest manifest, Layout(asked.plan, task, before.Header(), digest));
    ASSIGN_OR_RETURN(const CohortReading reading, ReadAskedCohort(asked, /*without_outcome=*/false));
    if (reading.unprepared_volumes > 0)
      Say(fmt::format("scans left out because they aren't prepared: {}", reading.unprepared_volumes));
    TaskContext context;
    context.cohort = reading.summary.digest;
    context.threads = asked.config.threads;
    context.device = asked.config.device;
    context.cancel = &gone;
    context.volumes = SourceOf(asked);
    context.tokens = &tokens_;
    context.progress = [this](double fraction, std::string_view what) { Tell(fraction, what); };
    if (!asked.cache) return Answer(asked.plan, task, manifest, reading.cohort, before, context);
    auto key = SecretBytes<32>::CopyOf(AsBytes(request.cache_key()));
    if (!key.ok()) return key.error().In("cache key");
    KeptTraining kept(asked.config.cache_folder, std::move(*key),
                      AnswerKey(asked, task, digest, reading.summary.digest),
                      std::chrono::seconds(asked.config.keep_seconds), Say);
    const TrainingMemory memory = kept.Memory();
    context.memory = &memory;
    auto answer = Answer(asked.plan, task, manifest, reading.cohort, before, context);
    // Given up because the daemon went: another worker may be asked the same.
    if (answer.ok() || answer.error().code != ErrorCode::kUnavailable) kept.Remove();
    return answer;
  }

  Status ServePredict(const v1::Predict& request) {
    const auto json = Guarded<std::string>([&] { return PredictFor(request); });
    if (!json.ok()) return SendFailed(out_, json.error());
    v1::WorkerReply reply;
    reply.mutable_predicted()->set_json(*json);
    return SendReply(out_, reply);
  }

  static Result<std::string> PredictFor(const v1::Predict& request) {
    ASSIGN_OR_RETURN(const Asked asked, ReadAsked(request));
    ASSIGN_OR_RETURN(const Model model, DecodeModel(AsBytes(request.model())));
    ASSIGN_OR_RETURN(const CohortReading reading, ReadAskedCohort(asked, /*without_outcome=*/true));
    return Predict(asked.plan, model, Sha256(AsBytes(request.model())), reading.cohort, request.patient(),
                   SourceOf(asked));
  }

  Status ServePrepare(const v1::PrepareVisit& request) {
    if (own_process_ && preparer_ == nullptr) ExitWhenClosed(in_);
    if (preparer_ == nullptr) preparer_ = MakeVisitPreparer();
    auto prepared = Guarded<v1::VisitPrepared>([&] { return PrepareVisit(request); });
    if (!prepared.ok()) return SendFailed(out_, prepared.error());
    v1::WorkerReply reply;
    *reply.mutable_prepared() = std::move(*prepared);
    return SendReply(out_, reply);
  }

  Result<v1::VisitPrepared> PrepareVisit(const v1::PrepareVisit& request) {
    if (!IsLabel(request.subject()) || !IsLabel(request.session()))
      return Error{ErrorCode::kInvalidInput, "prepare: subject and session aren't names of folders"};
    ASSIGN_OR_RETURN(const Asked asked, ReadAsked(request));
    if (!asked.cache) return Error{ErrorCode::kInvalidInput, "prepare: there is no cache folder or no key for it"};
    return preparer_->Prepare(request, asked.plan, asked.config, *asked.cache);
  }

  // The last guard: no memory, or a fault of ours in a room below. The worker lives on.
  template <typename T, typename Work>
  static Result<T> Guarded(Work&& work) {
    try {
      return work();
    } catch (const std::bad_alloc&) {
      return Error{ErrorCode::kUnavailable, "out of memory"};
    } catch (const std::exception& failure) {
      return Error{ErrorCode::kInternal, failure.what()};
    }
  }

  // A pipe that is broken is noticed when the answer is sent.
  void Tell(double fraction, std::string_view what) {
    v1::WorkerReply reply;
    reply.mutable_progress()->set_fraction(fraction);
    reply.mutable_progress()->set_what(std::string(what));
    (void)SendReply(out_, reply);
  }

  // Said loudly: in the log, and to whoever asked.
  void WarnOnce() {
    if (warned_) return;
    warned_ = true;
    if (const auto warning = SlowBlasWarning()) {
      Say(*warning);
      Tell(0.0, *warning);
    }
  }

  const int in_;
  const int out_;
  const bool own_process_;
  bool warned_ = false;
  std::unique_ptr<VisitPreparer> preparer_;  // made for the first visit
  TokenCache tokens_;                        // of volumes, from task to task
};

}  // namespace

int RunWorker(int in_fd, int out_fd, bool own_process) { return Worker(in_fd, out_fd, own_process).Run(); }

}  // namespace fedtrial::site
