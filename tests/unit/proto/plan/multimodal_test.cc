#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

#include "proto/plan/network.h"
#include "tests/unit/proto/plan/sample_plan.h"

namespace fedtrial {
namespace {

std::string MultimodalToml() {
  std::ifstream file(FEDTRIAL_SOURCE_DIR "/deploy/config/glioma_mri_plan.toml");
  EXPECT_TRUE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

const Feature& FeatureOf(const Plan& plan, std::string_view name) {
  const auto found = std::ranges::find(plan.features, name, &Feature::name);
  EXPECT_NE(found, plan.features.end()) << name;
  return found == plan.features.end() ? plan.features.front() : *found;
}

TEST(Multimodal, TheDeliveredPlanIsReadWhole) {
  const Plan plan = MustParse(MultimodalToml());
  ASSERT_EQ(plan.endpoints.size(), 1u);
  const Endpoint& course = plan.endpoints[0];
  EXPECT_EQ(course.kind, EndpointKind::kIllnessDeath);
  EXPECT_EQ(course.last_negative_column, "outcome.rec_last_neg_day");
  EXPECT_EQ(course.recurrence_column, "outcome.rec_day");
  EXPECT_EQ(course.recurrence_event_column, "outcome.rec_event");
  EXPECT_EQ(course.landmarks, (std::vector<double>{0, 56, 112, 168}));

  const Feature& il6 = FeatureOf(plan, "il6");
  EXPECT_TRUE(il6.IsLong());
  EXPECT_EQ(il6.Table(), "cytokine");
  EXPECT_EQ(il6.analyte, "IL-6");
  EXPECT_EQ(il6.unit, "pg/mL");
  EXPECT_EQ(FeatureOf(plan, "age").Table(), "participants");
  EXPECT_FALSE(FeatureOf(plan, "age").IsLong());

  EXPECT_TRUE(plan.FindBlock("treatment")->treatment);
  EXPECT_FALSE(plan.FindBlock("clinical")->treatment);
  const auto panels = plan.Panels();
  ASSERT_EQ(panels.size(), 4u);
  EXPECT_EQ(panels[0]->name, "cytokines");
  EXPECT_EQ(panels[3]->name, "labs");
  ASSERT_NE(plan.Fusion(), nullptr);
  EXPECT_EQ(plan.FindBlock("mri")->kind, BlockKind::kMri);

  const Block& survival = *plan.FindBlock("survival");
  EXPECT_EQ(survival.target, HeadTarget::kEndpoint);
  EXPECT_EQ(survival.endpoint, "course");
  const Block& methylation = *plan.FindBlock("methylation");
  EXPECT_EQ(methylation.target, HeadTarget::kLabel);
  EXPECT_EQ(plan.features[methylation.label].name, "mgmt_methylated");
  EXPECT_EQ(plan.features[methylation.share.value()].name, "mgmt_share");
  EXPECT_EQ(methylation.hidden, std::vector<std::string>{"mgmt"});
  EXPECT_EQ(plan.FindBlock("place")->target, HeadTarget::kEmbedding);
  const Block* pseudo = plan.PseudoProgression();
  ASSERT_NE(pseudo, nullptr);
  EXPECT_EQ(pseudo->name, "pseudo_progression");
  EXPECT_EQ(pseudo->scans.rating_column, "response.rano");
  EXPECT_EQ(pseudo->scans.day_column, "response.scan_day");
  EXPECT_EQ(pseudo->scans.confirm_column, "response.confirm_day");
  EXPECT_EQ(pseudo->scans.within_days, 182.0);

  EXPECT_EQ(plan.network.preset, Preset::kTiny);
  EXPECT_FALSE(plan.network.repeats.has_value());
  EXPECT_EQ(plan.imaging.voxels, 32u);
  EXPECT_EQ(plan.imaging.clip_high, 99.5);
  EXPECT_EQ(plan.protocol.dose_gy, 24.0);
  EXPECT_EQ(plan.protocol.drugs.at("B"), "durvalumab");
}

TEST(Multimodal, APlanOfLinearBlocksHasNothingOfIt) {
  const Plan plan = MustParse(SmallToml());
  EXPECT_EQ(plan.Fusion(), nullptr);
  EXPECT_TRUE(plan.Panels().empty());
  EXPECT_EQ(plan.endpoints[0].kind, EndpointKind::kSurvival);
  EXPECT_EQ(plan.endpoints[0].landmarks, std::vector<double>{0.0});
  EXPECT_EQ(plan.cohort.day_zero_column, "");
}

TEST(Multimodal, AColumnWithBracketsIsStillAColumn) {
  const Plan plan = MustParse(With(SmallToml(), "from = \"participants.age\"", "from = \"participants.age[y]\""));
  EXPECT_FALSE(plan.features[0].IsLong());
  EXPECT_EQ(plan.features[0].Table(), "participants");
}

TEST(Multimodal, ALinearBlockMayReadAnAnalyte) {
  const Plan plan =
      MustParse(With(SmallToml(), "from = \"participants.age\"", "from = \"labs[age, \\\"x\\\"]\"\nunit = \"mg/dL\""));
  EXPECT_EQ(plan.features[0].analyte, "age, \"x\"");
}

TEST(Multimodal, ANetworkMayBeInFewerRepeatsThanLinearBlocks) {
  const Plan plan = MustParse(SampleToml());
  const Block& fusion = *plan.Fusion();
  EXPECT_EQ(RepeatsOf(plan, *plan.FindBlock("risk")), 10u);
  EXPECT_EQ(RepeatsOf(plan, fusion), 1u);
  EXPECT_EQ(Replicas(plan).size(), 51u);
  const auto replicas = Replicas(plan, fusion);
  ASSERT_EQ(replicas.size(), 6u);
  EXPECT_EQ(replicas.back().prefix, "r01k5/");
  const Plan all = MustParse(With(SampleToml(), "repeats = 1 ", "# "));
  EXPECT_EQ(RepeatsOf(all, *all.Fusion()), 10u);
}

class EachMultimodalFault : public testing::TestWithParam<Fault> {};

TEST_P(EachMultimodalFault, IsRefusedWithItsKey) {
  const auto plan = ParsePlan(With(MultimodalToml(), GetParam().from, GetParam().to), "plan.toml");
  ASSERT_FALSE(plan.ok()) << GetParam().to;
  EXPECT_NE(plan.error().message.find(GetParam().wanted), std::string::npos) << GetParam().to << "\ngave\n"
                                                                             << plan.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Multimodal, EachMultimodalFault,
    testing::Values(
        Fault{"kind = \"illness-death\"", "kind = \"competing\"", "endpoint.course.kind: got \"competing\""},
        Fault{"recurrence = \"outcome.rec_day\"", "", "endpoint.course.recurrence: is missing"},
        Fault{"kind = \"illness-death\"", "", "endpoint.course.last_negative: unknown key"},
        Fault{"landmarks = [0, 8, 16, 24]", "landmarks = [8, 0]", "endpoint.course.landmarks: wanted 1 to 50 times"},
        Fault{"landmarks = [0, 8, 16, 24]", "landmarks = [-1, 0]", "endpoint.course.landmarks: wanted"},
        Fault{"landmarks = [0, 8, 16, 24]", "landmarks = []", "endpoint.course.landmarks: wanted"},
        Fault{"min_patients = 5", "min_patients = 5\nday_zero = \"rt\"", "cohort.day_zero: got \"rt\""},
        Fault{"from = \"cytokine[IL-6]\"", "from = \"cytokine[]\"", ".from: got \"cytokine[]\", wanted a table"},
        Fault{"from = \"cytokine[IL-6]\"", "from = \"Cytokine[IL-6]\"", ".from: got \"Cytokine[IL-6]\""},
        Fault{"from = \"cytokine[IL-6]\"", "from = \"cytokine[IL-6\"", ".from: got"},
        Fault{"unit = \"pg/mL\"", "unit = \"pg\"", ".unit: got \"pg\", wanted the unit"},
        Fault{"unit = \"pg/mL\"", "", ".unit: got \"\", wanted the unit"},
        Fault{"from = \"labs[LDH]\"", "from = \"participants[LDH]\"",
              "\"participants.arm\" wants a row a patient of the table that \"participants[LDH]\" has many rows of"},
        Fault{"features = [\"il6\",", "features = [\"age\", \"il6\",", "\"age\" has no visits: a panel wants analytes"},
        Fault{"features = [\"il6\",", "features = [\"ldh\", \"il6\",", "\"il6\" is of table cytokine"},
        Fault{"\"ldh\", \"crp\"]", "\"ldh\", \"ldh\"]", "\"ldh\" is there twice"},
        Fault{"name = \"labs\"\nkind = \"panel\"",
              "name = \"more\"\nkind = \"panel\"\nfeatures = [\"ldh\"]\n[[block]]\n"
              "name = \"labs\"\nkind = \"panel\"",
              "\"ldh\" is in panel \"more\" already"},
        Fault{"name = \"fusion\"\nkind = \"fusion\"", "name = \"fusion\"\nkind = \"mri\"",
              "a second block of kind \"mri\""},
        Fault{"name = \"fusion\"\nkind = \"fusion\"\n\n[[block]]\n", "",
              "a network wants a block of kind \"fusion\" too"},
        Fault{"name = \"fusion\"\nkind = \"fusion\"", "name = \"fusion\"\nkind = \"fusion\"\nfeatures = [\"age\"]",
              ".features: unknown key"},
        Fault{"target = \"endpoint.course\"", "target = \"endpoint.os\"", ".target: got \"endpoint.os\", wanted"},
        Fault{"target = \"endpoint.course\"", "target = \"feature.age\"", ".target: got \"feature.age\""},
        Fault{"target = \"endpoint.course\"", "target = \"feature.il6\"", ".target: got \"feature.il6\""},
        Fault{"target = \"endpoint.course\"", "", ".target: is missing"},
        Fault{"hidden = [\"mgmt\"]", "", ".hidden: block \"mgmt\" reads \"mgmt_methylated\", which this head predicts"},
        Fault{"hidden = [\"mgmt\"]", "hidden = [\"mgmt\", \"survival\"]",
              "\"survival\" isn't a [[block]] of kind static"},
        Fault{"share = \"mgmt_share\"", "share = \"kps_share\"", ".share: got \"kps_share\""},
        Fault{"features = [\"pdl1_tps\"]", "features = [\"pdl1_tps\", \"mgmt_share\"]",
              ".hidden: block \"tissue\" reads \"mgmt_share\""},
        Fault{"target = \"pseudo-progression\"", "target = \"pseudoprogression\"",
              ".target: got \"pseudoprogression\", wanted \"endpoint.<name>\""},
        Fault{"within_days = 182", "within_days = 0", ".within_days: got 0"},
        Fault{"within_days = 182", "within_days = 1e9", ".within_days: got"},
        Fault{"rating = \"response.rano\"", "rating = \"rano\"",
              ".rating: got \"rano\", wanted a table and its column"},
        Fault{"scan_day = \"response.scan_day\"", "scan_day = \"scans.day\"",
              ".scan_day: got \"scans.day\", wanted a column of the table of \"response.rano\""},
        Fault{"confirm_day = \"response.confirm_day\"", "confirm_day = \"scans.day\"",
              ".confirm_day: got \"scans.day\", wanted a column of the table of \"response.rano\""},
        Fault{"from = \"ihc.pdl1_tps_pct\"", "from = \"response.volume_enh_ml\"",
              "\"pdl1_tps\" reads table response too: no feature may say what this head predicts"},
        Fault{"name = \"place\"\nkind = \"head\"\ntarget = \"embedding\"",
              "name = \"place\"\nkind = \"head\"\ntarget = \"pseudo-progression\"",
              "head \"pseudo_progression\" predicts pseudo-progression already"},
        Fault{"target = \"embedding\"", "target = \"embedding\"\nwithin_days = 9", ".within_days: unknown key"},
        Fault{"preset = \"tiny\"", "start = { file = \"../x.safetensors\", sha256 = \"00\" }",
              "network.start.file: got \"../x.safetensors\", wanted the name of a file beside the plan"},
        Fault{"preset = \"tiny\"", "start = { file = \"x\", sha256 = \"00\" }",
              "network.start.sha256: got \"00\", wanted the file's SHA-256"},
        Fault{"preset = \"tiny\"", "start = { file = \"x\" }", "network.start.sha256: is missing"},
        Fault{"preset = \"tiny\"", "start = { sha256 = \"00\" }", "network.start.file: is missing"},
        Fault{"preset = \"tiny\"", "start = { file = \"x\", sha256 = \"00\", blocks = [] }",
              "network.start.blocks: wanted one block at least"},
        Fault{"preset = \"tiny\"", "preset = \"huge\"", "network.preset: got \"huge\""},
        Fault{"preset = \"tiny\"", "repeats = -1", "network.repeats: got -1, wanted a whole number"},
        Fault{"version = 1", "version = 2", "imaging.version: got 2"},
        Fault{"voxels = 32", "voxels = 33", "imaging.voxels: got 33, wanted a multiple of 16"},
        Fault{"voxels = 32", "voxels = 128", "imaging.voxels: got 128"},
        Fault{"clip_percent = [0.5, 99.5]", "clip_percent = [99, 1]", "imaging.clip_percent: wanted [low, high]"},
        Fault{"name = \"mri\"\nkind = \"mri\"\n\n[[block]]\n", "", "imaging: no [[block]] of the plan is of kind"},
        Fault{"fractions = 3", "fractions = 0", "protocol.fractions: got 0"},
        Fault{"block = \"fusion\"", "block = \"labs\"", "\"labs\" is of kind panel, wanted a linear block"}));

TEST(Multimodal, AStartFileIsNamedWithItsDigestAndWantsTheCuts) {
  const std::string digest = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
  const std::string toml =
      With(MultimodalToml(), "preset = \"tiny\"",
           "start = { file = \"encoder.safetensors\", sha256 = \"" + digest + "\", blocks = [\"mri\"] }");
  const Plan plan = MustParse(toml);
  ASSERT_TRUE(plan.network.start.has_value());
  EXPECT_EQ(plan.network.start->file, "encoder.safetensors");
  EXPECT_EQ(ToHex(plan.network.start->sha256), digest);
  EXPECT_EQ(plan.network.start->blocks, std::vector<std::string>{"mri"});
  EXPECT_FALSE(MustParse(MultimodalToml()).network.start.has_value());
  const auto open = ParsePlan(With(toml, "cuts = [8,", "# ["), "plan.toml");
  ASSERT_FALSE(open.ok());
  EXPECT_NE(open.error().message.find("network.start: endpoint \"course\" leaves its cuts to grid"), std::string::npos)
      << open.error().message;
}

TEST(Multimodal, AStepOfAHeadIsOfItsEndpoint) {
  std::string toml =
      With(MultimodalToml(), "[cohort]",
           "[endpoint.os]\ntime = \"outcome.os_day\"\nevent = \"outcome.os_event\"\ncuts = [9]\n[cohort]");
  toml = With(toml, "task = \"grid\"",
              "task = \"grid\"\nendpoint = \"os\"\n[[step]]\ntask = \"grid\"\n"
              "endpoint = \"course\"");
  for (const char* stage : {"encoder", "heads"})
    toml =
        With(toml, fmt::format("stage = \"{}\"", stage), fmt::format("stage = \"{}\"\nendpoint = \"course\"", stage));
  for (const char* block :
       {"\"recalibrate\"\nblock = \"fusion\"", "\"evaluate\"\nblock = \"fusion\"", "\"train\"\nblock = \"risk\""})
    toml = With(toml, fmt::format("task = {}", block), fmt::format("task = {}\nendpoint = \"course\"", block));
  const std::string evaluate = "\n[[step]]\ntask = \"evaluate\"\nblock = \"survival\"\nendpoint = ";
  MustParse(With(toml, "\n[rules]", evaluate + "\"course\"\n[rules]"));  // trained with the fusion
  const auto plan = ParsePlan(With(toml, "\n[rules]", evaluate + "\"os\"\n[rules]"), "plan.toml");
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.error().message.find("block \"survival\" predicts endpoint \"course\""), std::string::npos)
      << plan.error().message;
}

TEST(Multimodal, AStageSendsWhatItTrainsAndNothingElse) {
  const Plan plan = MustParse(MultimodalToml());
  EXPECT_EQ(std::get<TrainStep>(plan.steps[2].settings).stage, NetworkStage::kEncoder);
  EXPECT_EQ(std::get<TrainStep>(plan.steps[3].settings).stage, NetworkStage::kHeads);
  const auto shape = NetworkOf(plan, {});
  ASSERT_TRUE(shape.ok()) << shape.error().message;
  EXPECT_TRUE(shape->pretrains) << "the plan has a step of the encoder alone";
  EXPECT_EQ(TrainedBlocks(*shape, NetworkStage::kEncoder), (std::set<std::string>{"mri", "mri.decoder"}));
  const auto heads = TrainedBlocks(*shape, NetworkStage::kHeads), joint = TrainedBlocks(*shape, NetworkStage::kJoint);
  EXPECT_FALSE(heads.contains("mri"));
  EXPECT_TRUE(heads.contains("mri.sequences"));
  EXPECT_TRUE(joint.contains("mri"));
  EXPECT_FALSE(joint.contains("mri.decoder"));
  EXPECT_EQ(joint.size(), heads.size() + 1);

  const auto plain =
      ParsePlan(With(SampleToml(), "block = \"fusion\"", "block = \"fusion\"\nstage = \"encoder\""), "plan.toml");
  ASSERT_FALSE(plain.ok());
  EXPECT_NE(plain.error().message.find("wants a [[block]] of kind \"mri\""), std::string::npos)
      << plain.error().message;
}

}  // namespace
}  // namespace fedtrial
