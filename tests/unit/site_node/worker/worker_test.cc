#include "site_node/worker/worker.h"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pty.h>
#include <sys/wait.h>

#include "common/runtime/process.h"
#include "model/params/model.h"
#include "proto/plan/layout.h"
#include "security/crypto/sha256.h"
#include "site_node/tasks/task.h"
#include "tests/unit/site_node/cohort/site_folder.h"
#include "worker_in_thread.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kPlan = R"([trial]
id = "small"
seed = 7
[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [100, 200.5]
[cohort]
min_patients = 3
[[feature]]
name = "age"
from = "participants.age_y"
range = [0, 120]
[[feature]]
name = "sex"
from = "participants.sex"
levels = ["F", "M"]
[[block]]
name = "risk"
kind = "linear"
features = ["age", "sex"]
[network]
precision = "float64"
[[step]]
task = "normalise"
[[step]]
task = "grid"
[[step]]
task = "train"
rounds = 5
local = { steps = 3, rate = 0.1, ridge = 1 }
[rules]
sites = 3
min_sites = 3
threshold = 3
[encoding]
patient_cap = 100
)";

class WorkerTest : public ::testing::Test {
 protected:
  WorkerTest() { WriteSmallSite(folder_); }

  std::string SiteConfig() const { return nlohmann::json({{"data_folder", folder_.path().string()}}).dump(); }
  Plan ThePlan() const { return ParsePlan(plan_, "plan.toml").value(); }

  v1::WorkerRequest Ask(std::uint32_t step, const Bytes& model = {}) const {
    v1::WorkerRequest request;
    v1::AnswerTask& answer = *request.mutable_answer();
    answer.set_plan(plan_);
    answer.set_site_config(SiteConfig());
    answer.set_step(step);
    answer.set_round(step + 1);
    const Digest digest = model.empty() ? Digest{} : Sha256(model);
    answer.set_model_digest(digest.data(), digest.size());
    answer.set_model(model.data(), model.size());
    return request;
  }
  v1::WorkerRequest AskPredict(const Bytes& model, const std::string& patient) const {
    v1::WorkerRequest request;
    request.mutable_predict()->set_plan(plan_);
    request.mutable_predict()->set_site_config(SiteConfig());
    request.mutable_predict()->set_model(model.data(), model.size());
    request.mutable_predict()->set_patient(patient);
    return request;
  }

  // A model that normalise and grid might have made.
  Bytes SomeModel() const {
    Model model;
    model.tensors[MeanName({})] = Tensor::Of({55.0, 0.4});
    model.tensors[DeviationName({})] = Tensor::Of({9.0, 0.5});
    model.tensors[PatientsName({})] = Tensor::Of({30.0});
    model.tensors[BetaName({}, "risk")] = Tensor::Of({0.2, -0.1});
    model.tensors[InterceptName({}, "risk")] = Tensor::Of({-1.0, -2.0});
    return EncodeModel(model).value();
  }

  // What the room below gives for the same question, as bytes.
  Bytes Wanted(std::uint32_t step, const Bytes& model_bytes, Contribution& contribution) const {
    const Plan plan = ThePlan();
    const Model model = model_bytes.empty() ? Model{} : DecodeModel(model_bytes).value();
    const Task task = TaskAt(plan, {.step = step}, step + 1);
    const Manifest manifest =
        Layout(plan, task, model.Header(), model_bytes.empty() ? Digest{} : Sha256(model_bytes)).value();
    const CohortReading reading = ReadCohort(plan, folder_.path()).value();
    TaskContext context;
    context.cohort = reading.summary.digest;
    contribution = Answer(plan, task, manifest, reading.cohort, model, context).value();
    Bytes bytes;
    for (const Tensor& tensor : contribution.tensors) {
      const std::vector<double> values = tensor.ToDoubles();
      const auto* raw = reinterpret_cast<const std::uint8_t*>(values.data());
      bytes.insert(bytes.end(), raw, raw + values.size() * sizeof(double));
    }
    return bytes;
  }

  void ExpectFailed(const v1::WorkerReply& reply, const std::string& reason, ErrorCode code) const {
    ASSERT_TRUE(reply.has_failed()) << reply.ShortDebugString();
    EXPECT_THAT(reply.failed().reason(), HasSubstr(reason));
    EXPECT_EQ(reply.failed().code(), ToString(code));
  }

  std::string plan_{kPlan};
  SiteFolder folder_;
};

TEST_F(WorkerTest, AnswersEveryTaskAsTheTasksRoomDoes) {
  WorkerInThread worker;
  const Bytes model = SomeModel();
  for (const std::uint32_t step : {0u, 1u, 2u}) {
    Contribution contribution;
    const Bytes wanted = Wanted(step, model, contribution);
    worker.Send(Ask(step, model));
    const v1::WorkerReply reply = worker.Receive();
    ASSERT_TRUE(reply.has_answered()) << reply.ShortDebugString();
    const v1::Answered& answered = reply.answered();
    EXPECT_EQ(worker.ReceiveValues(answered), wanted) << "step " << step;
    ASSERT_EQ(static_cast<std::size_t>(answered.weights_size()), contribution.blocks.size());
    for (int b = 0; b < answered.weights_size(); ++b) {
      EXPECT_EQ(answered.weights(b), contribution.blocks[static_cast<std::size_t>(b)].weight);
      EXPECT_EQ(answered.contributes(b), contribution.blocks[static_cast<std::size_t>(b)].contributes);
    }
    EXPECT_EQ(answered.cohort(), AsText(contribution.cohort));
  }
  EXPECT_GE(worker.progress(), 1);
  EXPECT_EQ(worker.End(), 0);
}

TEST_F(WorkerTest, AnswersTheFirstRoundWithoutAModel) {
  WorkerInThread worker;
  Contribution contribution;
  const Bytes wanted = Wanted(0, {}, contribution);
  worker.Send(Ask(0));
  const v1::WorkerReply reply = worker.Receive();
  ASSERT_TRUE(reply.has_answered()) << reply.ShortDebugString();
  EXPECT_EQ(worker.ReceiveValues(reply.answered()), wanted);
}

TEST_F(WorkerTest, TakesAModelInParts) {
  WorkerInThread worker;
  const Bytes model = SomeModel();
  Contribution contribution;
  const Bytes wanted = Wanted(2, model, contribution);
  v1::WorkerRequest request = Ask(2, model);
  request.mutable_answer()->clear_model();
  request.mutable_answer()->set_model_parts(3);
  worker.Send(request);
  const std::size_t third = model.size() / 3;
  for (const auto& [start, end] : {std::pair{std::size_t{0}, third}, {third, third + 1}, {third + 1, model.size()}}) {
    v1::WorkerPart part;
    part.set_data(model.data() + start, end - start);
    worker.Send(part);
  }
  const v1::WorkerReply reply = worker.Receive();
  ASSERT_TRUE(reply.has_answered()) << reply.ShortDebugString();
  EXPECT_EQ(worker.ReceiveValues(reply.answered()), wanted);
}

TEST_F(WorkerTest, PredictsOnePatientAndAllWithTheModelsDigest) {
  WorkerInThread worker;
  const Bytes model = SomeModel();
  std::filesystem::remove(folder_.path() / "phenotype/outcome.tsv");  // a new patient has no outcome
  worker.Send(AskPredict(model, "p2"));
  const auto one = nlohmann::json::parse(worker.Receive().predicted().json());
  EXPECT_EQ(one["model"], ToHex(Sha256(model)));
  ASSERT_EQ(one["patients"].size(), 1u);
  EXPECT_EQ(one["patients"][0]["patient"], "p2");
  worker.Send(AskPredict(model, ""));
  EXPECT_EQ(nlohmann::json::parse(worker.Receive().predicted().json())["patients"].size(), 3u);
  worker.Send(AskPredict(model, "nobody"));
  ExpectFailed(worker.Receive(), "no such patient", ErrorCode::kInvalidInput);
}

TEST_F(WorkerTest, ARequestThatMakesNoSenseGetsFailedAndTheNextIsAnswered) {
  WorkerInThread worker;
  worker.SendBytes(AsBytes("\xff\xff\xff garbage"));
  ExpectFailed(worker.Receive(), "no message", ErrorCode::kInvalidInput);
  worker.SendBytes({});
  ExpectFailed(worker.Receive(), "asks for nothing", ErrorCode::kInvalidInput);

  const auto refused = [&](auto&& change, const std::string& reason, ErrorCode code = ErrorCode::kInvalidInput) {
    v1::WorkerRequest request = Ask(2, SomeModel());
    change(*request.mutable_answer());
    worker.Send(request);
    ExpectFailed(worker.Receive(), reason, code);
  };
  const auto config = [&](const nlohmann::json& extra) {
    nlohmann::json json = {{"data_folder", folder_.path().string()}};
    json.update(extra);
    return json.dump();
  };
  refused([](auto& answer) { answer.set_plan("not toml ="); }, "plan.toml");
  refused([](auto& answer) { answer.set_plan(""); }, "trial");
  refused([](auto& answer) { answer.set_site_config("[]"); }, "not a JSON object");
  refused([](auto& answer) { answer.set_site_config("{}"); }, "data_folder");
  refused([&](auto& answer) { answer.set_site_config(config({{"threads", 0}})); }, "threads");
  refused([&](auto& answer) { answer.set_site_config(config({{"threads", "4"}})); }, "threads");
  refused([&](auto& answer) { answer.set_site_config(config({{"columns", {{"a.b", 3}}}})); }, "columns.a.b");
  refused([&](auto& answer) { answer.set_site_config(config({{"keep_seconds", -1}})); }, "keep_seconds");
  refused([&](auto& answer) { answer.set_site_config(config({{"keep_seconds", 86401}})); }, "keep_seconds");
  refused([&](auto& answer) { answer.set_site_config(config({{"colums", 3}})); }, "colums");
  refused([&](auto& answer) { answer.set_site_config(config({{"device", "abacus"}})); }, "abacus");
  refused(
      [&](auto& answer) {
        answer.set_site_config(config({{"device", "cuda:99"}}));
      },
      "cuda:99 isn't there", ErrorCode::kUnavailable);
  refused([&](auto& answer) { answer.set_site_config(config({{"data_folder", "/nowhere"}})); }, "no such file");
  refused([](auto& answer) { answer.set_model_digest("short"); }, "isn't the one named", ErrorCode::kIntegrity);
  refused([](auto& answer) { answer.set_model("garbage"); }, "isn't the one named", ErrorCode::kIntegrity);
  refused(
      [](auto& answer) {
        const std::string garbage = "garbage";
        const Digest digest = Sha256(AsBytes(garbage));
        answer.set_model(garbage);
        answer.set_model_digest(digest.data(), digest.size());
      },
      "");
  refused([](auto& answer) { answer.set_step(3); }, "", ErrorCode::kInternal);
  refused([](auto& answer) { answer.set_step(4'000'000'000u); }, "", ErrorCode::kInternal);
  refused(
      [](auto& answer) {
        answer.clear_model();
        answer.set_model_digest(std::string(32, '\0'));
      },
      "the model has no tensor", ErrorCode::kIntegrity);

  worker.Send(Ask(0));
  const v1::WorkerReply reply = worker.Receive();
  ASSERT_TRUE(reply.has_answered()) << reply.ShortDebugString();
  worker.ReceiveValues(reply.answered());
  EXPECT_EQ(worker.End(), 0);
}

TEST_F(WorkerTest, PartsThatCannotBeReadAreReadToTheirEnd) {
  WorkerInThread worker;
  v1::WorkerRequest request = Ask(0);
  request.mutable_answer()->set_model_parts(2);
  worker.Send(request);
  worker.SendBytes(AsBytes("\xff\xff\xff"));
  worker.SendBytes(AsBytes("\xff"));
  ExpectFailed(worker.Receive(), "parts of the model", ErrorCode::kInvalidInput);
  worker.Send(Ask(0));
  EXPECT_TRUE(worker.Receive().has_answered());
}

TEST_F(WorkerTest, ABadTableIsTheReasonOfTheFailure) {
  WorkerInThread worker;
  folder_.Write("participants.tsv", "participant_id\tage_y\np1\t50\n");
  worker.Send(Ask(0));
  ExpectFailed(worker.Receive(), "participants.tsv:1: sex: the plan wants this column", ErrorCode::kInvalidInput);
}

TEST_F(WorkerTest, EndsWhereThePipeHoldsNoMessagesOrMorePartsThanAnyModelHas) {
  {
    WorkerInThread worker;
    worker.SendRaw(AsBytes("\xff\xff\xff\xff"));  // a length of 4 GiB
    ExpectFailed(worker.Receive(), "at most", ErrorCode::kIntegrity);
    EXPECT_EQ(worker.End(), 1);
  }
  {
    WorkerInThread worker;
    v1::WorkerRequest request = Ask(0);
    request.mutable_answer()->set_model_parts(4'000'000'000u);
    worker.Send(request);
    ExpectFailed(worker.Receive(), "parts", ErrorCode::kInvalidInput);
    EXPECT_EQ(worker.End(), 1);
  }
  {
    WorkerInThread worker;
    worker.SendRaw(AsBytes("\x05"));
    EXPECT_EQ(worker.End(), 1);  // closed within a length
  }
}

TEST_F(WorkerTest, EndsWithTheRequests) {
  WorkerInThread worker;
  EXPECT_EQ(worker.End(), 0);
}

TEST_F(WorkerTest, GivesUpATaskWhoseDaemonDied) {
  plan_.replace(plan_.find("steps = 3"), 9, "steps = 1000000");  // minutes
  WorkerInThread worker;
  worker.Send(Ask(2, SomeModel()));
  worker.CloseInput();
  ExpectFailed(worker.Receive(), "cancelled", ErrorCode::kUnavailable);
  EXPECT_EQ(worker.End(), 0);
}

class WorkerProcess : public WorkerTest {
 protected:
  ChildOptions Options(std::vector<std::string> arguments = {}) const {
    ChildOptions options;
    options.program = FEDTRIAL_BINARY_DIR "/fedtrial-worker";
    options.arguments = std::move(arguments);
    options.environment = {{"OMP_NUM_THREADS", "1"}, {"OPENBLAS_NUM_THREADS", "1"}, {"OMP_WAIT_POLICY", "PASSIVE"}};
    return options;
  }
};

TEST_F(WorkerProcess, AnswersOverItsPipesAndEndsWithThem) {
  auto started = ChildProcess::Start(Options());
  ASSERT_TRUE(started.ok()) << started.error().message;
  ChildProcess& child = **started;
  Contribution contribution;
  const Bytes wanted = Wanted(2, SomeModel(), contribution);
  ASSERT_TRUE(child.Send(Serialized(Ask(2, SomeModel()))).ok());
  v1::WorkerReply reply;
  do {
    const auto message = child.Receive();
    ASSERT_TRUE(message.ok()) << message.error().message;
    ASSERT_TRUE(reply.ParseFromArray(message->data(), static_cast<int>(message->size())));
  } while (reply.has_progress());
  ASSERT_TRUE(reply.has_answered()) << reply.ShortDebugString();
  ASSERT_EQ(reply.answered().value_parts(), 1u);
  const auto message = child.Receive();
  ASSERT_TRUE(message.ok());
  v1::WorkerPart part;
  ASSERT_TRUE(part.ParseFromArray(message->data(), static_cast<int>(message->size())));
  EXPECT_EQ(ToBytes(AsBytes(part.data())).size(), wanted.size());
  child.CloseInput();
  const auto end = child.Wait();
  ASSERT_TRUE(end.ok());
  EXPECT_TRUE(end->clean()) << end->reason;
}

TEST_F(WorkerProcess, RefusesAnUnknownArgument) {
  auto child = ChildProcess::Start(Options({"--serve"}));
  ASSERT_TRUE(child.ok());
  const auto end = (*child)->Wait();
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->exit_code, 2);
}

TEST_F(WorkerProcess, RefusesToRunOnATerminal) {
  int terminal = -1;
  const pid_t pid = forkpty(&terminal, nullptr, nullptr, nullptr);
  if (pid == 0) {
    execl(FEDTRIAL_BINARY_DIR "/fedtrial-worker", "fedtrial-worker", nullptr);
    _exit(127);
  }
  ASSERT_GT(pid, 0);
  std::string said;
  char buffer[512];
  for (ssize_t got = 0; (got = read(terminal, buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<std::size_t>(got));
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  close(terminal);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 2) << said;
  EXPECT_THAT(said, HasSubstr("only fedtrial-site speaks its messages"));
}

}  // namespace
}  // namespace fedtrial::site
