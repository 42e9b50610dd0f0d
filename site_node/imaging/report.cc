#include "site_node/imaging/report.h"

#include <nlohmann/json.hpp>
#include <string>

namespace fedtrial::imaging {

namespace {

using Json = nlohmann::ordered_json;

Json MatrixJson(const Transform& map) {
  Json rows = Json::array();
  for (std::size_t r = 0; r < 3; ++r)
    rows.push_back({map.linear[r][0], map.linear[r][1], map.linear[r][2], map.offset[r]});
  rows.push_back({0.0, 0.0, 0.0, 1.0});
  return rows;
}

Json QualityJson(const SeriesQuality& quality) {
  return {{"spacing_mm", quality.spacing_mm},
          {"signal_to_noise", quality.signal_to_noise},
          {"rotation_deg", quality.rotation_deg},
          {"shift_mm", quality.shift_mm},
          {"mutual_information_before", quality.information_before},
          {"mutual_information_after", quality.information_after},
          {"box_overlap", quality.box_overlap},
          {"head_overlap", quality.head_overlap},
          {"brain_covered", quality.covered}};
}

Json BrainJson(const BrainQuality& quality) {
  return {{"mask_ml", quality.mask_ml},
          {"affine_scale", quality.affine_scale},
          {"atlas_likeness", quality.atlas_likeness},
          {"rotation_deg", quality.rotation_deg},
          {"head_overlap", quality.head_overlap},
          {"mutual_information_before", quality.information_before},
          {"mutual_information_after", quality.information_after}};
}

Json SeriesJson(const SeriesResult& series) {
  Json out{{"sequence", ToString(series.sequence)}};
  if (!series.prepared.ok()) {
    out["failed"] = series.prepared.error().message;
    return out;
  }
  const PreparedSeries& prepared = *series.prepared;
  out["input_sha256"] = ToHex(prepared.input);
  out["to_atlas"] = MatrixJson(prepared.to_atlas);
  out["to_baseline"] = MatrixJson(prepared.to_baseline);
  out["quality"] = QualityJson(prepared.quality);
  out["warnings"] = prepared.warnings;
  return out;
}

}  // namespace

std::string TransformJson(const Transform& map, std::string_view from, std::string_view to) {
  const Json out{{"from", from}, {"to", to}, {"space", "LPS"}, {"unit", "mm"}, {"matrix", MatrixJson(map)}};
  return out.dump(1) + "\n";
}

std::string VisitJson(const PreparedVisit& visit, const ImagingSettings& settings) {
  Json out{{"chain_version", kChainVersion},
           {"settings_sha256", ToHex(SettingsDigest(settings))},
           {"atlas_sha256", ToHex(AtlasDigest())},
           {"space", "LPS"},
           {"unit", "mm"}};
  if (visit.baseline) out["brain"] = BrainJson(visit.baseline->quality);
  out["series"] = Json::array();
  for (const SeriesResult& series : visit.series) out["series"].push_back(SeriesJson(series));
  out["warnings"] = visit.warnings;
  return out.dump(1) + "\n";
}

}  // namespace fedtrial::imaging
