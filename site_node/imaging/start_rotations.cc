#include "site_node/imaging/start_rotations.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

namespace {

constexpr double kTurn = 30.0 * std::numbers::pi / 180.0;

Matrix3 AboutAxis(std::size_t axis, double angle) {
  const std::size_t a = (axis + 1) % 3, b = (axis + 2) % 3;
  Matrix3 out = kIdentity3;
  out[a][a] = out[b][b] = std::cos(angle);
  out[b][a] = std::sin(angle);
  out[a][b] = -out[b][a];
  return out;
}

// Signed permutations of the axes with determinant 1; the first is the identity.
std::vector<Matrix3> CubeRotations() {
  std::vector<Matrix3> out;
  std::array<std::size_t, 3> order{0, 1, 2};
  do {
    for (unsigned signs = 0; signs < 8; ++signs) {
      Matrix3 matrix{};
      for (std::size_t r = 0; r < 3; ++r) matrix[r][order[r]] = (signs >> r & 1) ? -1.0 : 1.0;
      if (Determinant(matrix) > 0.0) out.push_back(matrix);
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return out;
}

}  // namespace

std::vector<Matrix3> StartRotations() {
  std::vector<Matrix3> out = CubeRotations();
  const std::size_t cube = out.size();
  for (std::size_t i = 0; i < cube; ++i)
    for (std::size_t axis = 0; axis < 3; ++axis)
      for (const double turn : {kTurn, -kTurn}) out.push_back(Product(AboutAxis(axis, turn), out[i]));
  return out;
}

Vec3 CentreOfMass(const Scan& scan) {
  Vec3 sum{};
  double mass = 0.0;
  std::size_t at = 0;
  for (std::size_t z = 0; z < scan.grid.size[2]; ++z) {
    for (std::size_t y = 0; y < scan.grid.size[1]; ++y) {
      for (std::size_t x = 0; x < scan.grid.size[0]; ++x, ++at) {
        const double v = std::max(0.0, static_cast<double>(scan.voxels[at]));
        mass += v;
        sum[0] += v * static_cast<double>(x);
        sum[1] += v * static_cast<double>(y);
        sum[2] += v * static_cast<double>(z);
      }
    }
  }
  if (mass > 0.0)
    for (double& s : sum) s /= mass;
  return Apply(IndexToWorld(scan.grid), sum);
}

}  // namespace fedtrial::imaging
