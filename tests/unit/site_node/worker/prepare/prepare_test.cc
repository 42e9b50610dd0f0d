#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/params/model.h"
#include "proto/plan/layout.h"
#include "proto/plan/network.h"
#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"
#include "site_node/cache/visit_entry.h"
#include "site_node/cache/volume_cache.h"
#include "site_node/imaging/nifti.h"
#include "tests/support/text_files.h"
#include "tests/unit/proto/plan/sample_plan.h"
#include "tests/unit/site_node/imaging/phantom.h"
#include "tests/unit/site_node/worker/worker_in_thread.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;

const std::string kPlan =
    SmallNetwork{
        .modalities = "[[block]]\nname = \"mri\"\nkind = \"mri\"\n",
        .training = "rounds = 1\nstage = \"joint\"\nlocal = { optimizer = \"adamw\", epochs = 1, batch = 0 }\n"}
        .Toml();

// Visits whose volumes came prepared: no chain runs. The plan's [imaging] is the default: 64 voxels over 96 mm.
class WorkerPrepares : public testing::Test {
 protected:
  WorkerPrepares() { std::filesystem::create_directories(folder_ / "cache"); }

  static imaging::Scan Cube(std::size_t voxels, bool mask = false) {
    imaging::Scan scan{imaging::RasGrid({voxels, voxels, voxels}, 96.0 / static_cast<double>(voxels)), {}};
    for (std::size_t i = 0; i < voxels * voxels * voxels; ++i)
      scan.voxels.push_back(mask ? (i == 7 ? 1.0F : 0.0F) : static_cast<float>(i % 13) - 6.0F);
    return scan;
  }
  void Write(const std::string& name, const imaging::Scan& scan, bool mask = false) const {
    const auto anat = folder_ / "data/derivatives/preproc/sub-p1/ses-BL/anat";
    std::filesystem::create_directories(anat);
    ASSERT_TRUE(imaging::WriteNifti(anat / ("sub-p1_ses-BL_" + name + ".nii.gz"), scan, mask).ok());
  }
  v1::WorkerRequest Ask(const std::string& known_key = "") const {
    v1::WorkerRequest request;
    v1::PrepareVisit& prepare = *request.mutable_prepare();
    prepare.set_plan(kPlan);
    prepare.set_site_config(
        nlohmann::json({{"data_folder", (folder_ / "data").string()}, {"cache_folder", (folder_ / "cache").string()}})
            .dump());
    prepare.set_cache_key(std::string(32, 'k'));
    prepare.set_subject("sub-p1");
    prepare.set_session("ses-BL");
    prepare.set_known_key(known_key);
    return request;
  }
  VolumeCache TheCache() const {
    return {folder_ / "cache", SecretBytes<32>::CopyOf(AsBytes(std::string(32, 'k'))).value()};
  }
  std::string SiteConfig() const { return Ask().prepare().site_config(); }

  // Three patients, of whom p1 has scans; the entry that the daemon writes of what the worker said.
  void WriteSite() const {
    const auto data = folder_ / "data";
    std::filesystem::create_directories(data / "phenotype");
    std::filesystem::create_directories(data / "sub-p1");
    WriteText(data / "participants.tsv", "participant_id\tage_y\np1\t50\np2\t60\np3\t70\n");
    WriteText(data / "phenotype/outcome.tsv", "participant_id\tos_day\tos_event\np1\t90\t1\np2\t150\t0\np3\t40\t1\n");
    WriteText(data / "sub-p1/sub-p1_sessions.tsv", "session_id\tday\nses-BL\t-2\n");
  }
  void WriteEntry(const v1::VisitPrepared& prepared) const {
    VisitEntry entry;
    entry.rules = RulesText({});
    for (const v1::SeriesPrepared& series : prepared.series())
      entry.volumes[static_cast<MriSequence>(series.sequence())] = series.volume();
    ASSERT_TRUE(WriteVisitEntry(folder_ / "cache", "sub-p1", "ses-BL", entry).ok());
  }

  // The weight of the images' block in an answer to the train step.
  std::uint64_t ImageWeight(bool with_key) {
    const Plan plan = ParsePlan(kPlan, "plan.toml").value();
    Model model;
    SeededRandom random(std::uint64_t{1});
    model.tensors = StartTensors(NetworkOf(plan, {}).value(), plan.precision, random).value();
    model.tensors[MeanName({})] = Tensor::Of({60.0});
    model.tensors[DeviationName({})] = Tensor::Of({9.0});
    model.tensors[PatientsName({})] = Tensor::Of({30.0});
    model.tensors[LabelsName({})] = Tensor::Of({30.0});
    model.tensors[ModalitiesName()] = Tensor::Of({1.0, 1.0});
    const Bytes bytes = EncodeModel(model).value();
    const Digest digest = Sha256(bytes);
    const Task task = TaskAt(plan, {.step = 2}, 3);
    const Manifest manifest = Layout(plan, task, model.Header(), digest).value();
    v1::WorkerRequest request;
    v1::AnswerTask& answer = *request.mutable_answer();
    answer.set_plan(kPlan);
    answer.set_site_config(SiteConfig());
    answer.set_step(2);
    answer.set_round(3);
    answer.set_model(bytes.data(), bytes.size());
    answer.set_model_digest(digest.data(), digest.size());
    if (with_key) answer.set_cache_key(std::string(32, 'k'));
    worker_.Send(request);
    const v1::WorkerReply reply = worker_.Receive();
    EXPECT_TRUE(reply.has_answered()) << reply.ShortDebugString();
    if (!reply.has_answered()) return 0;
    worker_.ReceiveValues(reply.answered());
    const auto blocks = manifest.Blocks();
    const auto place = std::ranges::find(blocks, "mri") - blocks.begin();
    return reply.answered().weights(static_cast<int>(place));
  }

  std::string ReasonOf(const v1::WorkerReply& reply) const { return reply.failed().reason(); }

  const imaging::TestFolder folder_{"worker-prepares"};
  WorkerInThread worker_;
};

TEST_F(WorkerPrepares, VolumesThatCamePreparedAreReadIntoTheCache) {
  Write("space-atlas_desc-preproc_T1w", Cube(64));
  Write("ce-gd_space-atlas_desc-preproc_T1w", Cube(32));
  Write("space-atlas_desc-lesion_mask", Cube(64, /*mask=*/true), /*mask=*/true);
  worker_.Send(Ask());
  const v1::WorkerReply reply = worker_.Receive();
  ASSERT_TRUE(reply.has_prepared()) << reply.ShortDebugString();
  const v1::VisitPrepared& prepared = reply.prepared();
  EXPECT_FALSE(prepared.unchanged());
  EXPECT_EQ(prepared.failed(), "");
  ASSERT_EQ(prepared.series_size(), 2);
  EXPECT_EQ(prepared.series(0).sequence(), static_cast<std::uint32_t>(MriSequence::kT1));
  EXPECT_EQ(prepared.series(1).volume(), "");
  EXPECT_THAT(prepared.series(1).reason(), HasSubstr("32 x 32 x 32 voxels, the plan wants 64 a side"));
  const auto volume = TheCache().Load({MriSequence::kT1, 0.0, prepared.series(0).volume()});
  ASSERT_TRUE(volume.ok()) << volume.error().message;
  EXPECT_EQ(volume->size, (std::array<std::size_t, 3>{64, 64, 64}));
  EXPECT_EQ(volume->image, Cube(64).voxels);
  EXPECT_EQ(volume->lesion, Cube(64, true).voxels);
  EXPECT_TRUE(nlohmann::json::accept(prepared.report()));
}

TEST_F(WorkerPrepares, WhatIsKnownAlreadyIsSaidToBeUnchanged) {
  Write("space-atlas_desc-preproc_T1w", Cube(64));
  worker_.Send(Ask());
  const std::string key = worker_.Receive().prepared().key();
  worker_.Send(Ask(key));
  const v1::WorkerReply again = worker_.Receive();
  EXPECT_TRUE(again.prepared().unchanged());
  EXPECT_EQ(again.prepared().series_size(), 0);
  imaging::Scan other = Cube(64);
  other.voxels[0] += 1.0F;
  Write("space-atlas_desc-preproc_T1w", other);
  worker_.Send(Ask(key));
  EXPECT_NE(worker_.Receive().prepared().key(), key);
}

TEST_F(WorkerPrepares, AVisitWithoutAUsableSeriesIsAnAnswer) {
  const auto anat = folder_ / "data/sub-p1/ses-BL/anat";
  std::filesystem::create_directories(anat);
  worker_.Send(Ask());
  EXPECT_THAT(worker_.Receive().prepared().failed(), HasSubstr("nothing of the visit is a series"));
}

TEST_F(WorkerPrepares, ATaskReadsWhatIsPreparedAndNothingElse) {
  WriteSite();
  Write("space-atlas_desc-preproc_T1w", Cube(64));
  EXPECT_EQ(ImageWeight(/*with_key=*/true), 0u);  // found, but not prepared yet
  worker_.Send(Ask());
  const v1::WorkerReply reply = worker_.Receive();
  ASSERT_TRUE(reply.has_prepared()) << reply.ShortDebugString();
  WriteEntry(reply.prepared());
  EXPECT_EQ(ImageWeight(/*with_key=*/true), 1u);
  EXPECT_EQ(ImageWeight(/*with_key=*/false), 0u);
}

TEST_F(WorkerPrepares, ARequestWithoutAKeyOrWithAPathForANameIsRefused) {
  v1::WorkerRequest request = Ask();
  request.mutable_prepare()->clear_cache_key();
  worker_.Send(request);
  EXPECT_THAT(ReasonOf(worker_.Receive()), HasSubstr("no cache folder or no key"));
  request.mutable_prepare()->set_cache_key("short");
  worker_.Send(request);
  EXPECT_THAT(ReasonOf(worker_.Receive()), HasSubstr("cache key"));
  for (const char* name : {"..", "../sub-p2", "", "a/b"}) {
    request = Ask();
    request.mutable_prepare()->set_session(name);
    worker_.Send(request);
    EXPECT_THAT(ReasonOf(worker_.Receive()), HasSubstr("aren't names of folders")) << name;
  }
}

}  // namespace
}  // namespace fedtrial::site
