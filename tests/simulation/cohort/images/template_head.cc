#include "tests/simulation/cohort/images/template_head.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <iterator>

#include "common/base/bytes.h"
#include "security/crypto/sha256.h"
#include "tests/simulation/cohort/images/nifti_files.h"

namespace fedtrial::sim {
namespace {

constexpr char kHeadDigest[] = "a009051127f64dc3dd554d5f5b589870ea72106d9642c21b4e7093e478cfc309";
constexpr char kBrainDigest[] = "592a2d20abdf36eefcb540ca8958428040edffc1bc1a18ba1dcfbabac77c5dd1";
constexpr int kClosingVoxels = 5;  // sulci and ventricles are narrower than twice this

Result<std::vector<std::uint8_t>> LoadChecked(const std::filesystem::path& file, const char* digest) {
  std::ifstream in(file, std::ios::binary);
  const Bytes bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in || bytes.empty())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} can't be read: install Debian's mricron-data", file.string())};
  if (const std::string got = ToHex(Sha256(bytes)); got != digest)
    return Error{
        ErrorCode::kInvalidInput,
        fmt::format("{} has the SHA-256 {}, wanted {}: another version of the template", file.string(), got, digest)};
  return ReadNiftiBytes(file, kHeadSize);
}

// Largest (or smallest) value within `radius` voxels along one axis, the border as if it went on.
void BoxExtreme(std::vector<std::uint8_t>& image, std::size_t axis, int radius, bool largest) {
  const std::array<std::size_t, 3> stride{1, kHeadSize[0], kHeadSize[0] * kHeadSize[1]};
  const auto length = static_cast<int>(kHeadSize[axis]);
  std::vector<std::uint8_t> line(kHeadSize[axis]);
  for (std::size_t first = 0; first < image.size(); ++first) {
    if (first / stride[axis] % kHeadSize[axis] != 0) continue;  // not the beginning of a line
    for (int i = 0; i < length; ++i)
      line[static_cast<std::size_t>(i)] = image[first + static_cast<std::size_t>(i) * stride[axis]];
    for (int i = 0; i < length; ++i) {
      const auto from = line.begin() + std::max(0, i - radius), to = line.begin() + std::min(length, i + radius + 1);
      image[first + static_cast<std::size_t>(i) * stride[axis]] =
          largest ? *std::max_element(from, to) : *std::min_element(from, to);
    }
  }
}

// The extracted brain has holes where its sulci and ventricles are dark: closed by a box.
void CloseHoles(std::vector<std::uint8_t>& brain) {
  for (std::uint8_t& voxel : brain) voxel = voxel > 0 ? 1 : 0;
  for (const bool largest : {true, false})
    for (std::size_t axis = 0; axis < 3; ++axis) BoxExtreme(brain, axis, kClosingVoxels, largest);
}

}  // namespace

Result<TemplateHead> LoadTemplateHead(const std::filesystem::path& folder) {
  TemplateHead head;
  ASSIGN_OR_RETURN(head.t1, LoadChecked(folder / "ch2.nii.gz", kHeadDigest));
  ASSIGN_OR_RETURN(head.brain, LoadChecked(folder / "ch2bet.nii.gz", kBrainDigest));
  CloseHoles(head.brain);
  return head;
}

}  // namespace fedtrial::sim
