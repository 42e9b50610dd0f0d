#pragma once

#include <array>
#include <cstddef>

namespace fedtrial::imaging {

// Points are LPS (x to the patient's left, y to the back, z to the head), mm, as in DICOM and ITK; NIfTI files are RAS.
using Vec3 = std::array<double, 3>;
using Matrix3 = std::array<Vec3, 3>;  // rows
inline constexpr Matrix3 kIdentity3{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};

// An affine map of points, y = linear x + offset.
struct Transform {
  Matrix3 linear = kIdentity3;
  Vec3 offset{};
  bool operator==(const Transform&) const = default;
};

Vec3 Apply(const Transform& map, const Vec3& point);
Transform Compose(const Transform& second, const Transform& first);  // x -> second(first(x))
Transform Inverse(const Transform& map);                             // its linear part must be regular
double Determinant(const Matrix3& matrix);
Matrix3 Product(const Matrix3& left, const Matrix3& right);
double RotationDegrees(const Transform& rigid);  // the angle about its own axis, 0..180
Vec3 Scales(const Transform& map);               // how far a millimetre along x, y, z goes

// The rotation nearest to an affine map (its polar part; determinant > 0), shifted so that both take `kept` to one
// point.
Transform RigidPart(const Transform& affine, const Vec3& kept);

// A regular grid of voxels in space; x fastest.
struct Grid {
  std::array<std::size_t, 3> size{};
  Vec3 spacing{1, 1, 1};           // mm, > 0
  Vec3 origin{};                   // centre of the first voxel
  Matrix3 direction = kIdentity3;  // column k is the unit vector of axis k; orthonormal
  bool operator==(const Grid&) const = default;
};

std::size_t VoxelCount(const Grid& grid);
Transform IndexToWorld(const Grid& grid);

// The grid of a box of voxels within another: `first` is its first voxel.
Grid SubGrid(const Grid& grid, const std::array<std::size_t, 3>& first, const std::array<std::size_t, 3>& size);

}  // namespace fedtrial::imaging
