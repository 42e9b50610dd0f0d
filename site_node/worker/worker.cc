#include "site_node/worker/worker.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <optional>
#include <string>

#include "common/runtime/message_pipe.h"
#include "model/nets/device.h"
#include "model/params/model.h"
#include "model/training/blas_check.h"
#include "proto/plan/layout.h"
#include "security/crypto/sha256.h"
#include "site_node/cohort/cohort.h"
#include "site_node/tasks/predict.h"
#include "site_node/tasks/task.h"
#include "site_node/worker/hangup_watch.h"
#include "site_node/worker/pipe_messages.h"
#include "site_node/worker/site_config.h"

namespace fedtrial::site {
namespace {

// What both kinds of request begin with.
struct Asked {
  Plan plan;
  WorkerConfig config;
};

Result<Asked> ReadAsked(const std::string& plan_text, const std::string& site_config) {
  ASSIGN_OR_RETURN(Plan plan, ParsePlan(plan_text, "plan.toml"));
  ASSIGN_OR_RETURN(WorkerConfig config, ParseWorkerConfig(site_config));
  if (const auto device = FindDevice(config.device); !device.ok()) return device.error();
  return Asked{std::move(plan), std::move(config)};
}

Result<Model> ReadModel(const Bytes& bytes) {
  if (bytes.empty()) return Model{};
  return DecodeModel(bytes);
}

class Worker {
 public:
  Worker(int in_fd, int out_fd) : in_(in_fd), out_(out_fd) {}

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
    WarnOnce();
    switch (request.kind_case()) {
      case v1::WorkerRequest::kAnswer:
        return ServeAnswer(request.answer());
      case v1::WorkerRequest::kPredict:
        return ServePredict(request.predict());
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
    ASSIGN_OR_RETURN(const Asked asked, ReadAsked(request.plan(), request.site_config()));
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
    ASSIGN_OR_RETURN(const CohortReading reading,
                     ReadCohort(asked.plan, asked.config.data_folder, {.columns = asked.config.columns}));
    TaskContext context;
    context.cohort = reading.summary.digest;
    context.threads = asked.config.threads;
    context.device = asked.config.device;
    context.cancel = &gone;
    context.progress = [this](double fraction, std::string_view what) { Tell(fraction, what); };
    return Answer(asked.plan, task, manifest, reading.cohort, before, context);
  }

  Status ServePredict(const v1::Predict& request) {
    const auto json = Guarded<std::string>([&] { return PredictFor(request); });
    if (!json.ok()) return SendFailed(out_, json.error());
    v1::WorkerReply reply;
    reply.mutable_predicted()->set_json(*json);
    return SendReply(out_, reply);
  }

  static Result<std::string> PredictFor(const v1::Predict& request) {
    ASSIGN_OR_RETURN(const Asked asked, ReadAsked(request.plan(), request.site_config()));
    ASSIGN_OR_RETURN(const Model model, DecodeModel(AsBytes(request.model())));
    CohortOptions options;
    options.columns = asked.config.columns;
    options.without_outcome = true;
    ASSIGN_OR_RETURN(const CohortReading reading, ReadCohort(asked.plan, asked.config.data_folder, options));
    return Predict(asked.plan, model, Sha256(AsBytes(request.model())), reading.cohort, request.patient());
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
  bool warned_ = false;
};

}  // namespace

int RunWorker(int in_fd, int out_fd) { return Worker(in_fd, out_fd).Run(); }

}  // namespace fedtrial::site
