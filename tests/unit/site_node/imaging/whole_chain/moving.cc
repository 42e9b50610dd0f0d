#include "tests/unit/site_node/imaging/whole_chain/moving.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>
#include <random>
#include <sys/resource.h>

#include "site_node/imaging/intensity.h"
#include "site_node/imaging/morphology.h"
#include "site_node/imaging/nifti.h"
#include "site_node/imaging/orient.h"
#include "site_node/imaging/sample_at.h"
#include "tests/support/data_folders.h"

namespace fedtrial::imaging {

namespace {

constexpr Vec3 kToLps{-1, -1, 1};

Vec3 Lps(const Vec3& ras) { return {-ras[0], -ras[1], ras[2]}; }

// diag(-1, -1, 1) around a map, either way.
Transform Conjugate(const Transform& ras) {
  Transform out = ras;
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) out.linear[r][c] *= kToLps[r] * kToLps[c];
    out.offset[r] *= kToLps[r];
  }
  return out;
}

Matrix3 RotationRas(const Vec3& degrees) {
  const auto rad = [&](std::size_t k) { return degrees[k] * std::numbers::pi / 180.0; };
  const double a = rad(0), b = rad(1), c = rad(2);
  const Matrix3 x{{{1, 0, 0}, {0, std::cos(a), -std::sin(a)}, {0, std::sin(a), std::cos(a)}}};
  const Matrix3 y{{{std::cos(b), 0, std::sin(b)}, {0, 1, 0}, {-std::sin(b), 0, std::cos(b)}}};
  const Matrix3 z{{{std::cos(c), -std::sin(c), 0}, {std::sin(c), std::cos(c), 0}, {0, 0, 1}}};
  return Product(Product(z, x), y);
}

double Interpolated(double u, std::span<const double> at, std::span<const double> values) {
  if (u <= at.front()) return values.front();
  for (std::size_t i = 1; i < at.size(); ++i)
    if (u <= at[i]) return values[i - 1] + (values[i] - values[i - 1]) * (u - at[i - 1]) / (at[i] - at[i - 1]);
  return values.back();
}

double Curve(const std::string& kind, double v, double wm) {
  constexpr std::array<double, 7> kAt{0, .08, .30, .62, .95, 1.3, 2.2}, kFlair{0, .05, .12, 1.0, .75, .9, .5};
  const double u = v / wm;
  if (kind == "gamma") return wm * std::pow(std::max(u, 0.0), 0.55);
  if (kind == "t2") return wm * std::clamp((u - .05) / .12, 0.0, 1.0) * std::max(.08, 1.35 - u);
  if (kind == "flair") return wm * Interpolated(u, kAt, kFlair);
  return v;
}

double LesionCurve(double v, double distance, double wm) {
  if (distance < 10) return .3 * wm;
  if (distance < 16) return 1.7 * wm;
  return distance < 28 ? .75 * v : v;
}

double WhiteMatter(const Scan& image) {
  std::vector<float> bright;
  for (const float v : image.voxels)
    if (v > 20.0f) bright.push_back(v);
  return static_cast<double>(Percentile(bright, 85.0));
}

Grid MovingGrid(const BaseHead& base, const MovingCase& c) {
  const Matrix3 turn = RotationRas(c.oblique_deg);
  Grid grid;
  grid.spacing = c.spacing;
  const Vec3 extent{230, 230, c.coverage};
  for (std::size_t k = 0; k < 3; ++k) {
    grid.size[k] = static_cast<std::size_t>(std::lround(extent[k] / c.spacing[k]));
    for (std::size_t r = 0; r < 3; ++r) grid.direction[r][k] = kToLps[r] * turn[r][k];
  }
  const Vec3 middle = Apply(c.map, base.centre), shift = Lps(c.fov_shift);
  Vec3 half{};
  for (std::size_t k = 0; k < 3; ++k) half[k] = (static_cast<double>(grid.size[k]) - 1.0) / 2.0;
  const Vec3 to_middle = Apply(IndexToWorld(grid), half);  // from an origin at 0
  for (std::size_t k = 0; k < 3; ++k) grid.origin[k] = middle[k] + shift[k] - to_middle[k];
  return grid;
}

// The tissue of one voxel: the mean of sub-slices through its thickness.
double Tissue(const BaseHead& base, const MovingCase& c, const Transform& to_base, const Transform& base_index,
              const Vec3& voxel, double wm) {
  const int parts = std::max(1, static_cast<int>(std::lround(c.spacing[2])));
  double sum = 0.0;
  for (int part = 0; part < parts; ++part) {
    const Vec3 point = Apply(to_base, {voxel[0], voxel[1], voxel[2] + (part + .5) / parts - .5});
    const Vec3 index = Apply(base_index, point);
    double v = 0.0;
    bool within = true;
    for (std::size_t k = 0; k < 3; ++k)
      within = within && index[k] >= 0.0 && index[k] <= static_cast<double>(base.image.grid.size[k] - 1);
    if (within) v = LinearAt<1>(base.image.grid, base.image.voxels, index)[0];
    v = Curve(c.curve, v, wm);
    if (c.lesion) {
      const Vec3& l = *c.lesion;
      v = LesionCurve(v, std::hypot(point[0] - l[0], point[1] - l[1], point[2] - l[2]), wm);
    }
    sum += v / parts;
  }
  return sum;
}

std::vector<float> SurfaceDistances(const Scan& of, const Scan& to_edge, const Scan& own_edge) {
  std::vector<float> out;
  for (std::size_t i = 0; i < of.voxels.size(); ++i)
    if (own_edge.voxels[i] == 0.0f) out.push_back(std::abs(to_edge.voxels[i]));
  return out;
}

}  // namespace

std::filesystem::path MriData() { return SharedFolder() / "data/mri"; }

Result<BaseHead> ReadBaseHead() {
  std::ifstream stream(MriData() / "known_transforms.json");
  const auto spec = nlohmann::json::parse(stream);
  BaseHead base;
  ASSIGN_OR_RETURN(const SeriesRead read, ReadNifti(MriData() / spec["base"]));
  ASSIGN_OR_RETURN(base.image, OrientToRas(read.scan));
  ASSIGN_OR_RETURN(const Scan mask, ReadNiftiMask(MriData() / spec["mask"]));
  ASSIGN_OR_RETURN(base.mask, OrientToRas(mask));
  base.centre = Lps(spec["centre"].get<Vec3>());
  for (const auto& entry : spec["cases"]) {
    MovingCase c;
    c.name = entry["name"];
    Transform ras;
    for (std::size_t r = 0; r < 3; ++r) {
      for (std::size_t k = 0; k < 3; ++k) ras.linear[r][k] = entry["matrix"][r][k];
      ras.offset[r] = entry["matrix"][r][3];
    }
    c.map = Conjugate(ras);
    c.curve = entry["curve"];
    c.spacing = entry["spacing"].get<Vec3>();
    c.noise = entry["noise"];
    c.bias = entry["bias"];
    if (!entry["lesion"].is_null()) c.lesion = Lps(entry["lesion"].get<Vec3>());
    c.seed = entry["seed"];
    c.oblique_deg = entry.value("oblique_deg", Vec3{});
    c.fov_shift = entry.value("fov_shift", Vec3{});
    c.coverage = entry.value("coverage", 200.0);
    base.cases.push_back(std::move(c));
  }
  return base;
}

Scan MakeMoving(const BaseHead& base, const MovingCase& c, std::vector<float>* bias) {
  const double wm = WhiteMatter(base.image);
  std::mt19937_64 random(c.seed);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  std::normal_distribution<double> normal;
  std::array<double, 8> q{};
  for (double& x : q) x = uniform(random);
  Scan out{MovingGrid(base, c), {}};
  const Transform to_base = Compose(Inverse(c.map), IndexToWorld(out.grid));
  const Transform base_index = Inverse(IndexToWorld(base.image.grid));
  const auto [nx, ny, nz] = out.grid.size;
  for (std::size_t k = 0; k < nz; ++k) {
    for (std::size_t j = 0; j < ny; ++j) {
      for (std::size_t i = 0; i < nx; ++i) {
        const Vec3 voxel{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
        const double x = 2 * voxel[0] / static_cast<double>(nx) - 1, y = 2 * voxel[1] / static_cast<double>(ny) - 1,
                     z = 2 * voxel[2] / static_cast<double>(nz) - 1;
        const double log_bias = q[0] * x + q[1] * y + q[2] * z + q[3] * x * y + q[4] * y * z + q[5] * (x * x - .5) +
                                q[6] * (y * y - .5) + q[7] * (z * z - .5);
        const double factor = std::exp(.7 * c.bias * log_bias);
        const double v = Tissue(base, c, to_base, base_index, voxel, wm) * factor;
        const double s = c.noise * wm;
        out.voxels.push_back(static_cast<float>(std::rint(std::hypot(v + s * normal(random), s * normal(random)))));
        if (bias != nullptr) bias->push_back(static_cast<float>(factor));
      }
    }
  }
  return out;
}

Transform Turn(const BaseHead& base, const Vec3& degrees, const Vec3& shift_mm) {
  Transform out = Conjugate({RotationRas(degrees), {}});
  const Vec3 turned = Apply(out, base.centre), shift = Lps(shift_mm);
  for (std::size_t k = 0; k < 3; ++k) out.offset[k] = base.centre[k] + shift[k] - turned[k];
  return out;
}

Distance Between(const Transform& found, const Transform& truth, const Scan& brain) {
  const Transform place = IndexToWorld(brain.grid);
  Distance distance;
  double count = 0.0;
  for (std::size_t at = 0; at < brain.voxels.size(); at += 7) {
    if (brain.voxels[at] <= 0.5f) continue;
    const auto [nx, ny, nz] = brain.grid.size;
    const Vec3 p = Apply(
        place, {static_cast<double>(at % nx), static_cast<double>(at / nx % ny), static_cast<double>(at / nx / ny)});
    const Vec3 a = Apply(found, p), b = Apply(truth, p);
    const double apart = std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    distance.mean += apart;
    distance.max = std::max(distance.max, apart);
    count += 1.0;
  }
  distance.mean /= count;
  return distance;
}

double Dice(const Scan& one, const Scan& other) {
  double both = 0.0, all = 0.0;
  for (std::size_t i = 0; i < one.voxels.size(); ++i) {
    both += static_cast<double>(one.voxels[i] * other.voxels[i]);
    all += static_cast<double>(one.voxels[i] + other.voxels[i]);
  }
  return 2.0 * both / all;
}

double Hausdorff95(const Scan& one, const Scan& other) {
  const Scan edge_one = DistanceToEdge(one).value(), edge_other = DistanceToEdge(other).value();
  std::vector<float> distances = SurfaceDistances(one, edge_other, edge_one);
  const std::vector<float> back = SurfaceDistances(other, edge_one, edge_other);
  distances.insert(distances.end(), back.begin(), back.end());
  return static_cast<double>(Percentile(distances, 95.0));
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

double PeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

}  // namespace fedtrial::imaging
