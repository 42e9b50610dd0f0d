#include "site_node/imaging/geometry.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fedtrial::imaging {

namespace {

Vec3 Times(const Matrix3& matrix, const Vec3& v) {
  Vec3 out{};
  for (std::size_t r = 0; r < 3; ++r) out[r] = matrix[r][0] * v[0] + matrix[r][1] * v[1] + matrix[r][2] * v[2];
  return out;
}

}  // namespace

Vec3 Apply(const Transform& map, const Vec3& point) {
  Vec3 out = Times(map.linear, point);
  for (std::size_t r = 0; r < 3; ++r) out[r] += map.offset[r];
  return out;
}

Matrix3 Product(const Matrix3& left, const Matrix3& right) {
  Matrix3 out{};
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t k = 0; k < 3; ++k) out[r][c] += left[r][k] * right[k][c];
  return out;
}

Transform Compose(const Transform& second, const Transform& first) {
  return {Product(second.linear, first.linear), Apply(second, first.offset)};
}

double Determinant(const Matrix3& m) {
  return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
         m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

Transform Inverse(const Transform& map) {
  const Matrix3& m = map.linear;
  const double scale = 1.0 / Determinant(m);
  Transform out;
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) {  // the cofactor of (c, r); the cyclic indices carry its sign
      const std::size_t a = (c + 1) % 3, b = (c + 2) % 3, d = (r + 1) % 3, e = (r + 2) % 3;
      out.linear[r][c] = scale * (m[a][d] * m[b][e] - m[a][e] * m[b][d]);
    }
  }
  const Vec3 back = Times(out.linear, map.offset);
  out.offset = {-back[0], -back[1], -back[2]};
  return out;
}

double RotationDegrees(const Transform& rigid) {
  const double trace = rigid.linear[0][0] + rigid.linear[1][1] + rigid.linear[2][2];
  return std::acos(std::clamp((trace - 1.0) / 2.0, -1.0, 1.0)) * 180.0 / std::numbers::pi;
}

Vec3 Scales(const Transform& map) {
  Vec3 out{};
  for (std::size_t c = 0; c < 3; ++c) out[c] = std::hypot(map.linear[0][c], map.linear[1][c], map.linear[2][c]);
  return out;
}

Transform RigidPart(const Transform& affine, const Vec3& kept) {
  constexpr int kSteps = 30;  // Newton's: quadratic, from a map of a head some six are enough
  Transform rigid{affine.linear, {}};
  for (int step = 0; step < kSteps; ++step) {
    const Matrix3 inverse = Inverse(rigid).linear;
    for (std::size_t r = 0; r < 3; ++r)
      for (std::size_t c = 0; c < 3; ++c) rigid.linear[r][c] = 0.5 * (rigid.linear[r][c] + inverse[c][r]);
  }
  const Vec3 there = Apply(affine, kept), turned = Apply(rigid, kept);
  for (std::size_t k = 0; k < 3; ++k) rigid.offset[k] = there[k] - turned[k];
  return rigid;
}

std::size_t VoxelCount(const Grid& grid) { return grid.size[0] * grid.size[1] * grid.size[2]; }

Transform IndexToWorld(const Grid& grid) {
  Transform out{.linear = {}, .offset = grid.origin};
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 3; ++c) out.linear[r][c] = grid.direction[r][c] * grid.spacing[c];
  return out;
}

Grid SubGrid(const Grid& grid, const std::array<std::size_t, 3>& first, const std::array<std::size_t, 3>& size) {
  Grid out = grid;
  out.size = size;
  out.origin = Apply(IndexToWorld(grid),
                     {static_cast<double>(first[0]), static_cast<double>(first[1]), static_cast<double>(first[2])});
  return out;
}

}  // namespace fedtrial::imaging
