#include "site_node/cohort/scan_names.h"
#include "site_node/imaging/prepared_volume.h"
#include "tests/simulation/program/plain_volumes.h"

namespace fedtrial::sim {
namespace {

class PlainSource : public VolumeSource {
 public:
  explicit PlainSource(const ImagingRules& rules)
      : settings_{rules.crop_mm, rules.voxels, rules.clip_low, rules.clip_high} {}

  Result<Volume> Load(const VolumeId& id) const override {
    const std::filesystem::path file = id.key;
    return imaging::ReadPreparedVolume(file, site::LesionMaskIn(file.parent_path()), settings_);
  }

 private:
  const imaging::ImagingSettings settings_;
};

}  // namespace

std::unique_ptr<VolumeSource> OpenPlainVolumes(const ImagingRules& rules) {
  return std::make_unique<PlainSource>(rules);
}

}  // namespace fedtrial::sim
