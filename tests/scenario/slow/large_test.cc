#include <gtest/gtest.h>

#include "security/masking/graph.h"
#include "tests/scenario/liar.h"

// Above 100 sites: shares and masks go to neighbours on a graph that nobody can choose.
namespace fedtrial {
namespace {

using doubles::Toy;
using doubles::ToyPlan;
using simulation::Hop;

ToyPlan Large() {
  ToyPlan plan;
  plan.sites = 103;
  plan.min_sites = plan.threshold = 2 * 103 / 3 + 1;
  plan.min_open = "0s";
  return plan;
}

TEST(Large, ARoundWithNeighboursOnlyIsExactAlsoWithDroppedSites) {
  simulation::SimHooks hooks;
  std::size_t shares = 0;
  hooks.deliver = [&](const Hop& hop) -> std::vector<Envelope> {
    shares += hop.to_coordinator && hop.envelope.phase == 2 ? 1 : 0;
    const bool lost = hop.to_coordinator && hop.site.value % 20 == 0 && hop.envelope.phase == 3;
    return lost ? std::vector<Envelope>{} : std::vector<Envelope>{hop.envelope};
  };
  ToyPlan plan = Large();
  plan.min_open = "60s";
  Toy toy(plan, hooks);
  ASSERT_TRUE(toy->Run([&] { return !toy->trial().history().empty(); }).ok());
  const auto& record = toy->trial().history().front();
  ASSERT_TRUE(record.committed) << record.failure;
  EXPECT_EQ(record.included.size(), 98u);
  EXPECT_EQ(toy.check.wrong(), 0u);
  EXPECT_EQ(shares, 103u * ChooseGraph(103, Adversary::kSemiMalicious20Drop10).value().degree);
}

TEST(Large, EverySiteOfU0MustRevealOrTheAttemptFails) {
  simulation::SimHooks hooks;
  std::optional<Digest> ctx;
  hooks.deliver = [&](const Hop& hop) -> std::vector<Envelope> {
    if (!ctx) ctx = hop.envelope.ctx;
    const bool hidden =
        hop.to_coordinator && hop.site.value == 7 && hop.envelope.phase == 1 && hop.envelope.ctx == *ctx;
    return hidden ? std::vector<Envelope>{} : std::vector<Envelope>{hop.envelope};
  };
  ToyPlan plan = Large();
  plan.min_open = "60s";
  Toy toy(plan, hooks);
  ASSERT_TRUE(toy->Run([&] { return toy->trial().history().size() == 2; }).ok());
  EXPECT_FALSE(toy->trial().history()[0].committed);
  EXPECT_TRUE(toy->trial().history()[1].committed);
  EXPECT_EQ(toy.check.wrong(), 0u);
}

// A coordinator that leaves out reveals to draw another graph.
TEST(Large, ASiteRefusesAU1ThatIsNotAllOfU0) {
  std::optional<Digest> ctx;
  const auto toy = scenario::WithLies(Large(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
    if (!ctx) ctx = hop.envelope.ctx;
    if (hop.to_coordinator || hop.site.value != 1 || hop.envelope.phase != 2 || hop.envelope.ctx != *ctx)
      return {hop.envelope};
    return {scenario::Changed<PhaseOpenBody>(here, hop.envelope, [](PhaseOpenBody& body) {
      std::erase(body.sites, SiteId{50});
      std::erase_if(body.envelopes, [](const Bytes& one) { return DecodeEnvelope(one).value().sender.value == 50; });
    })};
  });
  ASSERT_TRUE(
      (*toy)->Run([&] { return scenario::Refused(*toy, SiteId{1}, "has revealed"); }, std::chrono::minutes(30)).ok());
  EXPECT_TRUE(scenario::Refused(*toy, SiteId{1}, "not every site of U0 has revealed"));
}

}  // namespace
}  // namespace fedtrial
