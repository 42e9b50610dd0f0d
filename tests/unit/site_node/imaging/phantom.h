#pragma once

#include <array>
#include <cmath>
#include <filesystem>
#include <string>
#include <unistd.h>

#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// An empty folder of one test in one process, gone with it.
class TestFolder {
 public:
  explicit TestFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / ("fedtrial-imaging-" + std::to_string(getpid()) + "-" + name)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Axes as a file of right, front, head has them, in LPS.
inline Grid RasGrid(const std::array<std::size_t, 3>& size, double spacing) {
  Grid grid;
  grid.size = size;
  grid.spacing = {spacing, spacing, spacing};
  grid.direction = {{{-1, 0, 0}, {0, -1, 0}, {0, 0, 1}}};
  grid.origin = {spacing * static_cast<double>(size[0] - 1) / 2.0, spacing * static_cast<double>(size[1] - 1) / 2.0,
                 -spacing * static_cast<double>(size[2] - 1) / 2.0};
  return grid;
}

// A ball that is brighter towards one side, with a bright box in it: no symmetry. Radius in mm.
inline Scan Ball(const Grid& grid, double radius) {
  Scan scan{grid, {}};
  const Transform place = IndexToWorld(grid);
  for (std::size_t z = 0; z < grid.size[2]; ++z) {
    for (std::size_t y = 0; y < grid.size[1]; ++y) {
      for (std::size_t x = 0; x < grid.size[0]; ++x) {
        const Vec3 p = Apply(place, {static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)});
        double v = std::hypot(p[0], p[1], p[2]) < radius ? 100.0 + p[0] / 2.0 + p[1] / 4.0 : 0.0;
        if (std::abs(p[0] - 20) < 15 && std::abs(p[1] + 10) < 20 && std::abs(p[2] - 25) < 10) v = 200.0;
        scan.voxels.push_back(static_cast<float>(v));
      }
    }
  }
  return scan;
}

}  // namespace fedtrial::imaging
