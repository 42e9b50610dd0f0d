#include <fmt/format.h>

#include "tests/simulation/cohort/measurements.h"
#include "tests/simulation/cohort/site_tables.h"
#include "tests/simulation/cohort/table_text.h"

namespace fedtrial::sim {
namespace {

constexpr std::size_t kRowsOfAPlate = 80;

const Column kId{"participant_id", "Pseudonym of the simulated patient"};

TableText Response(const SiteContents& contents) {
  TableText table({kId,
                   {"scan_day", "Day of the scan", "day"},
                   {"sum_product_mm2", "Products of the largest diameters, added", "mm2"},
                   {"volume_enh_ml", "Enhancing volume", "mL"},
                   {"new_lesion", "A new lesion", "", {{"Y", "yes"}, {"N", "no"}}},
                   {"rano",
                    "Response",
                    "",
                    {{"CR", "complete"},
                     {"PR", "partial"},
                     {"SD", "stable disease"},
                     {"PD", "progression"},
                     {"PsP", "pseudo-progression, as the next scan showed"},
                     {"NE", "not evaluated: baseline"}}},
                   {"criteria", "Version of the criteria", "", {{"RANO2.0", "RANO 2.0"}}},
                   {"confirm_day", "Day of the scan that confirmed it", "day"},
                   {"reader", "Who read it"},
                   {"central_read", "Read centrally", "", {{"Y", "yes"}, {"N", "no"}}}});
  for (const Patient& patient : *contents.patients)
    for (std::size_t visit = 0; visit < patient.lesions.size(); ++visit) {
      const LesionState& lesion = patient.lesions[visit];
      table.Row({patient.id, Number(patient.course.visits[visit].day), Number(lesion.sum_product_mm2),
                 Number(lesion.enhancing_ml), YesNo(lesion.new_lesion), lesion.rano, "RANO2.0",
                 Number(lesion.confirm_day), "R1", "N"});
    }
  return table;
}

std::string Specimen(PanelKind kind) {
  return kind == PanelKind::kImmune ? "blood EDTA" : kind == PanelKind::kExosome ? "plasma EDTA" : "serum";
}

bool Has(const Patient& patient, PanelKind kind) {
  switch (kind) {
    case PanelKind::kCytokine:
      return patient.has[static_cast<std::size_t>(Modality::kCytokine)];
    case PanelKind::kImmune:
      return patient.has[static_cast<std::size_t>(Modality::kImmune)];
    case PanelKind::kExosome:
      return patient.has[static_cast<std::size_t>(Modality::kExosome)];
    case PanelKind::kLabs:
      return true;
  }
  return false;
}

TableText Panel(const SiteContents& contents, PanelKind kind) {
  TableText table({kId,
                   {"day", "Day of the blood sample", "day"},
                   {"visit", "Visit: BL before radiotherapy, W08 after 8 weeks, ..."},
                   {"specimen", "What was measured in"},
                   {"analyte", "What was measured"},
                   {"value", "Result; the limit itself where the qualifier says beyond it"},
                   {"unit", "Unit of value and limits"},
                   {"lod_low", "Lower limit of detection"},
                   {"lod_high", "Upper limit of detection"},
                   {"qualifier", "Beyond a limit", "", {{"<", "below the lower"}, {">", "above the upper"}}},
                   {"kit", "Assay kit"},
                   {"plate", "Plate of the assay"},
                   {"assay_day", "Day of the assay", "day"}});
  const auto& analytes = contents.parameters->panels[static_cast<std::size_t>(kind)];
  for (std::size_t i = 0; i < contents.patients->size(); ++i) {
    const Patient& patient = (*contents.patients)[i];
    if (!Has(patient, kind)) continue;
    Draws draws(contents.settings->seed, fmt::format("panel {} {}", ToString(kind), contents.site->name), i);
    for (const Measurement& m : Measure(*contents.parameters, kind, *contents.site, patient, draws)) {
      const Visit& visit = patient.course.visits[m.visit];
      const Analyte& analyte = analytes[m.analyte];
      table.Row({patient.id, Number(visit.day), visit.Session(), Specimen(kind), analyte.name, Number(m.value),
                 analyte.unit, Number(analyte.lod_low), Number(analyte.lod_high),
                 m.qualifier == ' ' ? "" : std::string(1, m.qualifier), contents.site->kit.name,
                 fmt::format("P{:03}", 1 + table.rows() / kRowsOfAPlate), Number(visit.day)});
    }
  }
  return table;
}

}  // namespace

Status WriteVisitTables(const SiteContents& contents, const std::filesystem::path& folder) {
  const auto phenotype = folder / "phenotype";
  RETURN_IF_ERROR(Response(contents).Write(phenotype, "response"));
  for (std::size_t kind = 0; kind < kPanelKinds; ++kind) {
    const auto panel = static_cast<PanelKind>(kind);
    RETURN_IF_ERROR(Panel(contents, panel).Write(phenotype, std::string(ToString(panel))));
  }
  return {};
}

}  // namespace fedtrial::sim
