#include <fmt/format.h>

#include "tests/simulation/cohort/site_tables.h"
#include "tests/simulation/cohort/table_text.h"

namespace fedtrial::sim {
namespace {

constexpr double kGyPerFraction = 8.0;

const Column kId{"participant_id", "Pseudonym of the simulated patient"};
const std::vector<std::pair<std::string, std::string>> kYesNo{{"Y", "yes"}, {"N", "no"}};

TableText Radiotherapy(const SiteContents& contents) {
  TableText table({kId,
                   {"rt_start_day", "Day of the first fraction: day 0 of everything", "day"},
                   {"dose_gy", "Dose given", "Gy"},
                   {"fractions", "Fractions given", "1"},
                   {"isodose_pct", "Isodose of the prescription", "%"},
                   {"ptv_ml", "Planning target volume", "mL"},
                   {"prior_rt_gy", "Dose of the radiotherapy before", "Gy"},
                   {"months_since_prior_rt", "Time since then", "month"}});
  for (std::size_t i = 0; i < contents.patients->size(); ++i) {
    const Therapy& therapy = (*contents.therapies)[i];
    table.Row({(*contents.patients)[i].id, "0", Number(kGyPerFraction * therapy.fractions),
               Number(static_cast<int>(therapy.fractions)), "80", Number(therapy.ptv_ml), Number(therapy.prior_rt_gy),
               Number(therapy.months_since_prior_rt, 3)});
  }
  return table;
}

TableText Medications(const SiteContents& contents, std::vector<Medication> Therapy::*list, const std::string& dose) {
  TableText table({kId,
                   {"drug", "Name of the substance"},
                   {"dose_mg", dose, "mg"},
                   {"start_day", "First day", "day"},
                   {"end_day", "Last day", "day"}});
  for (std::size_t i = 0; i < contents.patients->size(); ++i)
    for (const Medication& given : (*contents.therapies)[i].*list)
      table.Row({(*contents.patients)[i].id, given.drug, Number(given.dose_mg, 3), Number(given.start_day),
                 Number(given.end_day)});
  return table;
}

TableText AdverseEvents(const SiteContents& contents) {
  TableText table({kId,
                   {"term", "CTCAE term"},
                   {"meddra_pt", "Preferred term; here the CTCAE term"},
                   {"soc", "System organ class"},
                   {"ctcae_version", "Version of the CTCAE"},
                   {"grade", "CTCAE grade 1 to 5", "1"},
                   {"start_day", "First day", "day"},
                   {"end_day", "Last day", "day"},
                   {"serious", "Serious", "", kYesNo},
                   {"rel_rt", "Related to radiotherapy", "", kYesNo},
                   {"rel_durva", "Related to durvalumab", "", kYesNo},
                   {"irae", "Immune-related", "", kYesNo},
                   {"dlt", "Dose-limiting", "", kYesNo},
                   {"action",
                    "What was done about durvalumab",
                    "",
                    {{"none", "nothing"}, {"interrupted", "a dose left out"}, {"withdrawn", "stopped"}}}});
  for (std::size_t i = 0; i < contents.patients->size(); ++i)
    for (const AdverseEvent& event : (*contents.therapies)[i].events)
      table.Row({(*contents.patients)[i].id, event.kind->term, event.kind->term, event.kind->soc, "5.0",
                 Number(event.grade), Number(event.start_day), Number(event.end_day), YesNo(event.serious),
                 YesNo(event.by_radiotherapy), YesNo(event.by_durvalumab), YesNo(event.immune),
                 YesNo(event.dose_limiting), event.action});
  return table;
}

}  // namespace

Status WriteTreatmentTables(const SiteContents& contents, const std::filesystem::path& folder) {
  const auto phenotype = folder / "phenotype";
  RETURN_IF_ERROR(Radiotherapy(contents).Write(phenotype, "rt"));
  RETURN_IF_ERROR(Medications(contents, &Therapy::infusions, "Dose of the infusion").Write(phenotype, "treatment"));
  RETURN_IF_ERROR(Medications(contents, &Therapy::others, "Dose a day").Write(phenotype, "conmed"));
  return AdverseEvents(contents).Write(phenotype, "ae");
}

}  // namespace fedtrial::sim
