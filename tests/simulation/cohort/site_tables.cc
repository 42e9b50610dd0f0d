#include "tests/simulation/cohort/site_tables.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/simulation/cohort/table_text.h"

namespace fedtrial::sim {
namespace {

Status WriteDescription(const SiteContents& contents, const std::filesystem::path& folder) {
  nlohmann::ordered_json description;
  description["Name"] = "SIMULATED patients, " + contents.site->name;
  description["BIDSVersion"] = "1.8.0";
  description["DatasetType"] = "raw";
  description["Simulated"] = true;
  description["GeneratedBy"] = nlohmann::ordered_json::array(
      {{{"Name", "fedtrial-sim cohort"},
        {"Description", fmt::format("No real patient. Signal {}, seed {}; images from the Colin27 template",
                                    ToString(contents.settings->signal), contents.settings->seed)}}});
  description["Scanner"] = {{"Name", contents.site->scanner.name},
                            {"MagneticFieldStrength", contents.site->scanner.tesla}};
  return WriteFile(folder / "dataset_description.json", description.dump(2) + "\n");
}

Status WriteSessions(const Patient& patient, const std::filesystem::path& folder) {
  TableText table(
      {{"session_id", "Visit: BL before radiotherapy, W08 after 8 weeks, ..."}, {"day", "Day of the scan", "day"}});
  for (std::size_t i = 0; i < std::min(kScannedVisits, patient.course.visits.size()); ++i)
    table.Row({"ses-" + patient.course.visits[i].Session(), Number(patient.course.visits[i].day)});
  RETURN_IF_ERROR(MakeFolder(folder / patient.id));
  return table.Write(folder / patient.id, patient.id + "_sessions");
}

}  // namespace

Status WriteSiteTables(const SiteContents& contents, const std::filesystem::path& folder) {
  RETURN_IF_ERROR(MakeFolder(folder / "phenotype"));
  RETURN_IF_ERROR(WriteDescription(contents, folder));
  RETURN_IF_ERROR(WritePatientTables(contents, folder));
  RETURN_IF_ERROR(WriteVisitTables(contents, folder));
  RETURN_IF_ERROR(WriteTreatmentTables(contents, folder));
  for (const Patient& patient : *contents.patients)
    if (patient.has[static_cast<std::size_t>(Modality::kMri)]) RETURN_IF_ERROR(WriteSessions(patient, folder));
  return {};
}

}  // namespace fedtrial::sim
