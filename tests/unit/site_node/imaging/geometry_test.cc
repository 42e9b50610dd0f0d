#include "site_node/imaging/geometry.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numbers>
#include <rapidcheck/gtest.h>

#include "tests/unit/site_node/imaging/phantom.h"

namespace fedtrial::imaging {
namespace {

RC_GTEST_PROP(Geometry, TheInverseTakesEveryPointBack, ()) {
  Transform map;
  for (std::size_t r = 0; r < 3; ++r) {
    for (double& x : map.linear[r]) x = *rc::gen::inRange(-100, 100) / 100.0;
    map.linear[r][r] += 4.0;  // regular whatever the others are
    map.offset[r] = *rc::gen::inRange(-200, 200);
  }
  const Vec3 point{1.5, -20.0, 33.0};
  const Vec3 back = Apply(Inverse(map), Apply(map, point));
  for (std::size_t k = 0; k < 3; ++k) RC_ASSERT(std::abs(back[k] - point[k]) < 1e-9);
  const Vec3 composed = Apply(Compose(Inverse(map), map), point);
  for (std::size_t k = 0; k < 3; ++k) RC_ASSERT(std::abs(composed[k] - point[k]) < 1e-9);
}

TEST(Geometry, RotationIsTheAngleAboutItsOwnAxis) {
  const double c = std::cos(std::numbers::pi / 6), s = std::sin(std::numbers::pi / 6);
  EXPECT_NEAR(RotationDegrees({{{{c, -s, 0}, {s, c, 0}, {0, 0, 1}}}, {5, 5, 5}}), 30.0, 1e-9);
  EXPECT_NEAR(RotationDegrees({{{{1, 0, 0}, {0, -1, 0}, {0, 0, -1}}}, {}}), 180.0, 1e-9);
  EXPECT_NEAR(RotationDegrees({}), 0.0, 1e-9);
}

TEST(Geometry, TheRigidPartOfAScaledRotationIsTheRotationAndKeepsThePoint) {
  const double c = std::cos(2.5), s = std::sin(2.5);
  const Matrix3 turn{{{c, -s, 0}, {s, c, 0}, {0, 0, 1}}};
  const Transform affine{Product(turn, {{{0.9, 0, 0}, {0, 1.2, 0}, {0, 0, 0.8}}}), {10, 20, -30}};
  const Vec3 kept{5, -40, 12};
  const Transform rigid = RigidPart(affine, kept);
  for (std::size_t r = 0; r < 3; ++r) {
    EXPECT_NEAR(Apply(rigid, kept)[r], Apply(affine, kept)[r], 1e-9);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(rigid.linear[r][k], turn[r][k], 1e-9);
  }
}

TEST(Geometry, AGridOfABoxKeepsEveryVoxelInItsPlace) {
  const Grid grid = RasGrid({20, 30, 40}, 2.0);
  const Grid box = SubGrid(grid, {3, 4, 5}, {5, 6, 7});
  const Vec3 whole = Apply(IndexToWorld(grid), {4, 6, 8}), part = Apply(IndexToWorld(box), {1, 2, 3});
  EXPECT_EQ(whole, part);
  EXPECT_EQ(VoxelCount(box), 210u);
}

TEST(Geometry, ScalesAreTheLengthsOfTheColumns) {
  const Vec3 scales = Scales({{{{0, 3, 0}, {2, 0, 0}, {0, 0, 4}}}, {}});
  EXPECT_EQ(scales, (Vec3{2, 3, 4}));
}

}  // namespace
}  // namespace fedtrial::imaging
