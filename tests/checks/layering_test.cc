#include "tests/checks/layering.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/checks/floors.h"
#include "tests/checks/source_tree.h"

namespace fedtrial::checks {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<std::string> kTrees = {"common",      "proto",     "security",        "model",
                                         "coordinator", "site_node", "tests/simulation"};

std::vector<std::string> Planted(std::string path, std::string text) {
  return BrokenIncludes({{std::move(path), std::move(text)}}, TheFloors());
}

TEST(Layering, EveryIncludeOfTheTreePointsWhereTheTableAllows) {
  const std::vector<SourceFile> files = ReadTree(FEDTRIAL_SOURCE_DIR, kTrees);
  ASSERT_FALSE(files.empty());
  const std::vector<std::string> broken = BrokenIncludes(files, TheFloors());
  EXPECT_THAT(broken, IsEmpty()) << fmt::format("{}", fmt::join(broken, "\n"));
}

TEST(Layering, TheTableItselfNeverPointsUpwards) { EXPECT_THAT(BrokenRows(TheFloors()), IsEmpty()); }

TEST(Layering, AtMostADozenFilesIncludeAllOfLibTorch) {
  EXPECT_LE(CountIncluders(ReadTree(FEDTRIAL_SOURCE_DIR, {""}), "torch/torch.h"), 12u);
}

TEST(Layering, AnIncludeOfAnotherRoomOrPackageIsFoundWithItsLine) {
  EXPECT_THAT(Planted("coordinator/core/round.cc", "#pragma once\n\n#include \"site_node/core/participant.h\"\n"),
              ElementsAre("coordinator/core/round.cc:3: coordinator/core must not include site_node/core "
                          "(\"site_node/core/participant.h\")"));
  EXPECT_THAT(Planted("coordinator/shell/driver.cc", "  #  include <torch/torch.h>"),
              ElementsAre("coordinator/shell/driver.cc:1: coordinator/shell must not use torch (<torch/torch.h>)"));
  EXPECT_THAT(Planted("site_node/core/participant.cc", "#include <thread>\n#include <fstream>"),
              ElementsAre("site_node/core/participant.cc:1: site_node/core must not use threads (<thread>)",
                          "site_node/core/participant.cc:2: site_node/core must not use files (<fstream>)"));
  EXPECT_THAT(Planted("security/masking/mask.cc", "#include \"model/params/manifest.h\""),
              ElementsAre("security/masking/mask.cc:1: security/masking must not include model/params "
                          "(\"model/params/manifest.h\")"));
  EXPECT_THAT(Planted("site_node/cohort/x.cc", "#include <itkImage.h>"),
              ElementsAre("site_node/cohort/x.cc:1: site_node/cohort must not use itk (<itkImage.h>)"));
}

TEST(Layering, OnlyTheStatusTypeOfGrpcReachesTheCodec) {
  EXPECT_THAT(Planted("proto/codec/rpc_status.cc", "#include <grpcpp/support/status.h>"), IsEmpty());
  EXPECT_THAT(Planted("proto/codec/rpc_status.cc", "#include <grpcpp/grpcpp.h>"),
              ElementsAre("proto/codec/rpc_status.cc:1: proto/codec must not use grpc (<grpcpp/grpcpp.h>)"));
}

TEST(Layering, AHeaderOrFileThatTheTableDoesNotKnowIsFound) {
  EXPECT_THAT(Planted("common/base/x.cc", "#include <boost/asio.hpp>"),
              ElementsAre("common/base/x.cc:1: <boost/asio.hpp> belongs to no package of the table"));
  EXPECT_THAT(Planted("common/base/x.cc", "#include \"bytes.h\""),
              ElementsAre("common/base/x.cc:1: \"bytes.h\" lies in no room of the table"));
  EXPECT_THAT(Planted("security/new_room/x.cc", ""),
              ElementsAre("security/new_room/x.cc:1: lies in no room of the table"));
  EXPECT_THAT(Planted("common/base/x.cc", "#include <vector>\n#include <cstdint>\n// #include \"nowhere.h\""),
              IsEmpty());
}

TEST(Layering, ARowThatPointsUpSidewaysOrAcrossIsFound) {
  const Floors floors{.rooms = {{"low", 0, {"high", "nowhere"}, {}},
                                {"high", 1, {"low", "beside"}, {"unknown"}},
                                {"beside", 1, {}, {}},
                                {"coordinator/x", 3, {"site_node/x"}, {}},
                                {"site_node/x", 2, {}, {}}},
                      .packages = {},
                      .sideways = {},
                      .never = {{"coordinator", "site_node"}}};
  EXPECT_THAT(BrokenRows(floors), ElementsAre("low (floor 0) lists high (floor 1)", "low: nowhere is no room",
                                              "high (floor 1) lists beside (floor 1)", "high: unknown is no package",
                                              "coordinator/x lists site_node/x: coordinator never includes site_node"));
}

}  // namespace
}  // namespace fedtrial::checks
