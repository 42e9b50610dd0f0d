#include "site_node/worker/kept_training.h"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/runtime/process.h"
#include "model/params/model.h"
#include "proto/plan/layout.h"
#include "proto/plan/network.h"
#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"
#include "tests/unit/proto/plan/sample_plan.h"
#include "tests/unit/site_node/cohort/site_folder.h"
#include "worker_in_thread.h"

namespace fedtrial::site {
namespace {

namespace fs = std::filesystem;

// Three replicas of a network, 30 steps each.
const std::string kNetworkPlan =
    SmallNetwork{.features = "[[feature]]\nname = \"sex\"\nfrom = \"participants.sex\"\nlevels = [\"F\", \"M\"]\n",
                 .clinical = R"("age", "sex")",
                 .training = "rounds = 5\nlocal = { optimizer = \"adamw\", epochs = 30, batch = 0, ridge = 1 }\n",
                 .more = "[folds]\nrepeats = 1\nfolds = 2\n"}
        .Toml();
constexpr std::uint32_t kTrainAt = 2;

class KeptTrainingTest : public ::testing::Test {
 protected:
  KeptTrainingTest() {
    WriteSmallSite(folder_);
    fs::create_directory(cache_);
    fs::permissions(cache_, fs::perms::owner_all);
    Model model;
    SeededRandom random(std::uint64_t{3});
    const auto tensors = StartTensors(NetworkOf(plan_, {}).value(), plan_.precision, random).value();
    for (const Replica& replica : Replicas(plan_)) {
      for (const auto& [name, tensor] : tensors) model.tensors[replica.prefix + name] = tensor;
      model.tensors[MeanName(replica)] = Tensor::Of({55.0, 0.4});
      model.tensors[DeviationName(replica)] = Tensor::Of({9.0, 0.5});
      model.tensors[PatientsName(replica)] = Tensor::Of({30.0});
      model.tensors[LabelsName(replica)] = Tensor::Of({30.0});
    }
    model.tensors[ModalitiesName()] = Tensor::Of({1.0});
    model_ = EncodeModel(model).value();
  }

  v1::WorkerRequest Ask(std::uint32_t round_in_step = 0) const { return Ask(round_in_step, cache_); }
  v1::WorkerRequest Ask(std::uint32_t round_in_step, const fs::path& cache) const {
    v1::WorkerRequest request;
    v1::AnswerTask& answer = *request.mutable_answer();
    answer.set_plan(kNetworkPlan);
    answer.set_site_config(
        nlohmann::json(
            {{"data_folder", folder_.path().string()}, {"cache_folder", cache.string()}, {"keep_seconds", 0}})
            .dump());
    answer.set_step(kTrainAt);
    answer.set_round_in_step(round_in_step);
    answer.set_round(kTrainAt + round_in_step + 1);
    const Digest digest = Sha256(model_);
    answer.set_model_digest(digest.data(), digest.size());
    answer.set_model(model_.data(), model_.size());
    answer.set_cache_key(std::string(32, 'k'));
    return request;
  }

  static std::unique_ptr<ChildProcess> StartWorker() {
    ChildOptions options;
    options.program = FEDTRIAL_BINARY_DIR "/fedtrial-worker";
    options.environment = {{"OMP_NUM_THREADS", "1"}, {"OPENBLAS_NUM_THREADS", "1"}, {"OMP_WAIT_POLICY", "PASSIVE"}};
    auto started = ChildProcess::Start(std::move(options));
    EXPECT_TRUE(started.ok()) << started.error().message;
    return std::move(started).value();
  }
  static v1::WorkerReply NextReply(ChildProcess& worker) {
    const auto message = worker.Receive();
    EXPECT_TRUE(message.ok()) << (message.ok() ? "" : message.error().message);
    v1::WorkerReply reply;
    EXPECT_TRUE(message.ok() && reply.ParseFromArray(message->data(), static_cast<int>(message->size())));
    return reply;
  }
  // A worker that is killed while it trains, `share` of the way.
  void KillOnTheWay(double share) const {
    const auto worker = StartWorker();
    ASSERT_TRUE(worker->Send(Serialized(Ask())).ok());
    while (true) {
      const v1::WorkerReply reply = NextReply(*worker);
      ASSERT_TRUE(reply.has_progress()) << reply.ShortDebugString();
      if (reply.progress().fraction() >= share) break;
    }
    worker->Kill();
    EXPECT_TRUE(fs::exists(state_));
  }
  // The answer of a new worker, and the first fraction of the work that it tells of.
  static Bytes AnswerOf(const v1::WorkerRequest& request, double& first) {
    const auto worker = StartWorker();
    EXPECT_TRUE(worker->Send(Serialized(request)).ok());
    first = 0.0;
    v1::WorkerReply reply = NextReply(*worker);
    for (; reply.has_progress(); reply = NextReply(*worker))
      if (first == 0.0) first = reply.progress().fraction();
    EXPECT_TRUE(reply.has_answered()) << reply.ShortDebugString();
    Bytes values;
    for (std::uint32_t i = 0; i < reply.answered().value_parts(); ++i) {
      const auto message = worker->Receive();
      v1::WorkerPart part;
      EXPECT_TRUE(message.ok() && part.ParseFromArray(message->data(), static_cast<int>(message->size())));
      values.insert(values.end(), part.data().begin(), part.data().end());
    }
    return values;
  }

  // The answer of a worker that nobody disturbs and that finds no state: in a process like the others, since the bits
  // change with the environment (which kernels, how many threads).
  Bytes Undisturbed(std::uint32_t round_in_step = 0) const {
    const SiteFolder cache;
    double first = 0.0;
    Bytes values = AnswerOf(Ask(round_in_step, cache.path()), first);
    EXPECT_LT(first, 0.1) << "it began with a state";
    EXPECT_FALSE(values.empty());
    return values;
  }

  SiteFolder folder_;
  const fs::path cache_ = folder_.path() / "cache", state_ = cache_ / "training/state";
  const Plan plan_ = ParsePlan(kNetworkPlan, "plan.toml").value();
  Bytes model_;
};

TEST_F(KeptTrainingTest, AWorkerGoesOnWhereAKilledOneWasAndGivesTheSameBits) {
  const Bytes wanted = Undisturbed();
  for (const double share : {0.2, 0.6}) {  // in the full model, and in a replica
    KillOnTheWay(share);
    double first = 0.0;
    EXPECT_EQ(AnswerOf(Ask(), first), wanted) << share;
    EXPECT_GE(first, share) << "it began anew";
    EXPECT_FALSE(fs::exists(state_)) << "the task is answered";
  }
}

TEST_F(KeptTrainingTest, KilledTwiceGivesTheSameBits) {
  KillOnTheWay(0.3);
  KillOnTheWay(0.5);
  double first = 0.0;
  EXPECT_EQ(AnswerOf(Ask(), first), Undisturbed());
  EXPECT_GE(first, 0.5);
}

TEST_F(KeptTrainingTest, OfAnotherRoundIsRemovedAndNotUsed) {
  KillOnTheWay(0.5);
  double first = 0.0;
  EXPECT_EQ(AnswerOf(Ask(1), first), Undisturbed(1));
  EXPECT_LT(first, 0.1);
  EXPECT_FALSE(fs::exists(state_));
}

TEST_F(KeptTrainingTest, OfOtherTablesIsNotUsed) {
  KillOnTheWay(0.5);
  folder_.Write("phenotype/outcome.tsv", "participant_id\tos_day\tos_event\np1\t121\t1\np2\t300\t0\np3\t0\t1\n");
  double first = 0.0;
  EXPECT_EQ(AnswerOf(Ask(), first), Undisturbed());
  EXPECT_LT(first, 0.1);
}

TEST_F(KeptTrainingTest, ThatWasChangedIsNotUsed) {
  KillOnTheWay(0.5);
  {
    std::fstream file(state_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(200);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(200);
    file.put(byte);
  }
  double first = 0.0;
  EXPECT_EQ(AnswerOf(Ask(), first), Undisturbed());
  EXPECT_LT(first, 0.1);
}

TEST_F(KeptTrainingTest, IsSealedAndTheOwnersAlone) {
  KillOnTheWay(0.2);
  std::ifstream file(state_, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  EXPECT_GT(bytes.size(), 10000u);
  EXPECT_EQ(bytes.find("fl/network-state"), std::string::npos);
  EXPECT_EQ(fs::status(state_.parent_path()).permissions() & (fs::perms::group_all | fs::perms::others_all),
            fs::perms::none);
}

TEST_F(KeptTrainingTest, StaysWhereTheDaemonDied) {
  const auto worker = StartWorker();
  ASSERT_TRUE(worker->Send(Serialized(Ask())).ok());
  v1::WorkerReply reply = NextReply(*worker);
  while (reply.has_progress() && reply.progress().fraction() < 0.3) reply = NextReply(*worker);
  ASSERT_TRUE(reply.has_progress()) << reply.ShortDebugString();
  worker->CloseInput();
  while (reply.has_progress()) reply = NextReply(*worker);
  ASSERT_TRUE(reply.has_failed()) << reply.ShortDebugString();
  EXPECT_EQ(reply.failed().code(), ToString(ErrorCode::kUnavailable));
  EXPECT_TRUE(fs::exists(state_));
  double first = 0.0;
  EXPECT_EQ(AnswerOf(Ask(), first), Undisturbed());
  EXPECT_GE(first, 0.3);
  EXPECT_FALSE(fs::exists(state_));
}

}  // namespace
}  // namespace fedtrial::site
