#include <cmath>
#include <fmt/format.h>

#include "tests/simulation/cohort/site_tables.h"
#include "tests/simulation/cohort/table_text.h"

namespace fedtrial::sim {
namespace {

const Column kId{"participant_id", "Pseudonym of the simulated patient"};

std::string Digit(bool value) { return value ? "1" : "0"; }
const std::vector<std::pair<std::string, std::string>> kZeroOne{{"0", "no"}, {"1", "yes"}};

TableText Participants(const SiteContents& contents) {
  TableText table(
      {kId,
       {"site", "Simulated hospital"},
       {"arm", "Treatment arm", "", {{"A", "radiotherapy"}, {"B", "radiotherapy and durvalumab"}}},
       {"sex", "Sex", "", {{"M", "male"}, {"F", "female"}}},
       {"age_y", "Age at the first fraction", "year"},
       {"kps", "Karnofsky performance status", "score"},
       {"n_recurrence", "Which recurrence is treated: 1 is the first", "1"},
       {"resection",
        "Surgery of this recurrence",
        "",
        {{"none", "none"}, {"biopsy", "biopsy"}, {"partial", "partial resection"}, {"total", "total resection"}}},
       {"steroid_dex_mg_d", "Dexamethasone or its equivalent at baseline", "mg/day"},
       {"consent_version", "Version of the consent form"}});
  for (const Patient& patient : *contents.patients) {
    const Baseline& b = patient.baseline;
    table.Row({patient.id, contents.site->name, b.arm_b ? "B" : "A", b.male ? "M" : "F", fmt::format("{:.1f}", b.age),
               fmt::format("{:.0f}", b.kps), Number(static_cast<int>(b.recurrences)), b.resection,
               fmt::format("{:.1f}", b.dexamethasone_mg_d), "1.0"});
  }
  return table;
}

TableText Outcome(const SiteContents& contents) {
  TableText table(
      {kId,
       {"os_day", "Day of death or of the last contact", "day"},
       {"os_event", "What ended the time", "", {{"0", "alive at last contact"}, {"1", "dead"}}},
       {"rec_last_neg_day", "Day of the last scan without recurrence, 0 if it was before radiotherapy", "day"},
       {"rec_day", "Day of the first evidence of recurrence", "day"},
       {"rec_event", "Recurrence known", "", {{"0", "no"}, {"1", "yes"}}},
       {"rec_type", "Where", "", {{"local", "in the treated volume"}, {"distant", "outside of it"}, {"both", "both"}}},
       {"rec_basis",
        "What it was told by",
        "",
        {{"RANO", "scan"}, {"histology", "tissue"}, {"clinical", "clinical worsening without a scan"}}},
       {"death_cause", "Cause of death", "", {{"disease", "glioma"}, {"toxicity", "adverse event"}}},
       {"last_contact_day", "Day of the last contact", "day"},
       {"data_cut", "Day of the data cut", "day"}});
  for (std::size_t i = 0; i < contents.patients->size(); ++i) {
    const Patient& patient = (*contents.patients)[i];
    const KnownCourse& course = patient.course;
    const bool recurred = course.recurrence_day.has_value();
    const std::string cause = !course.died ? "" : (*contents.therapies)[i].DiedOfIt() ? "toxicity" : "disease";
    table.Row({patient.id, Number(course.last_day), course.died ? "1" : "0", Number(course.last_negative_day),
               Number(course.recurrence_day), recurred ? "1" : "0", recurred ? course.recurrence_type : "",
               course.recurrence_basis, cause, Number(course.last_day), Number(patient.truth.data_cut)});
  }
  return table;
}

TableText Genetics(const SiteContents& contents) {
  TableText table({kId,
                   {"panel", "Assay"},
                   {"panel_mb", "Size of the assay's target", "megabase"},
                   {"tmb_mut_per_mb", "Mutational burden", "mut/Mb"},
                   {"msi", "Microsatellites", "", {{"stable", "stable"}}},
                   {"idh", "IDH1 or IDH2 mutated", "", kZeroOne},
                   {"tert", "TERT promoter mutated", "", kZeroOne},
                   {"egfr_amp", "EGFR amplified", "", kZeroOne},
                   {"chr7_10", "Gain of chromosome 7 and loss of 10", "", kZeroOne},
                   {"cdkn2a", "CDKN2A lost on both chromosomes", "", kZeroOne}});
  for (const Patient& patient : *contents.patients) {
    if (!patient.has[static_cast<std::size_t>(Modality::kGenetics)]) continue;
    const Baseline& b = patient.baseline;
    table.Row({patient.id, "simpanel", "1.2", Number(b.mutations_per_mb), "stable", Digit(b.idh_mutant),
               Digit(b.tert_mutant), Digit(b.egfr_amplified), Digit(b.chr7_gain_chr10_loss), Digit(b.cdkn2a_deleted)});
  }
  return table;
}

TableText Variants(const SiteContents& contents) {
  TableText table(
      {kId,
       {"gene", "HGNC symbol"},
       {"variant_hgvs", "HGVS name; simulated patients have none"},
       {"class", "Kind of change", "", {{"mut", "mutation"}, {"amp", "amplification"}, {"del", "deletion"}}},
       {"vaf", "Variant's share of the reads", "1"}});
  for (const Patient& patient : *contents.patients) {
    if (!patient.has[static_cast<std::size_t>(Modality::kGenetics)]) continue;
    for (const Variant& variant : patient.baseline.variants)
      table.Row({patient.id, variant.gene, "", "mut", Number(variant.vaf, 2)});
    if (patient.baseline.egfr_amplified) table.Row({patient.id, "EGFR", "", "amp", ""});
    if (patient.baseline.cdkn2a_deleted) table.Row({patient.id, "CDKN2A", "", "del", ""});
  }
  return table;
}

TableText Pathology(const SiteContents& contents) {
  TableText table({kId,
                   {"pdl1_clone", "Antibody"},
                   {"pdl1_tps_pct", "PD-L1, share of tumour cells", "%"},
                   {"pdl1_cps", "PD-L1, combined positive score", "score"},
                   {"ic_score", "PD-L1 on immune cells, 0 to 3", "score"},
                   {"tissue_day", "Day the tissue was taken", "day"}});
  for (const Patient& patient : *contents.patients) {
    if (!patient.has[static_cast<std::size_t>(Modality::kPathology)]) continue;
    const double tps = patient.baseline.pdl1_tps_pct;
    table.Row({patient.id, "SP263", Number(tps, 3), Number(std::min(100.0, 1.3 * tps), 3),
               tps < 1.0    ? "0"
               : tps < 5.0  ? "1"
               : tps < 10.0 ? "2"
                            : "3",
               "-30"});
  }
  return table;
}

TableText Mgmt(const SiteContents& contents) {
  TableText table({kId,
                   {"mgmt_method", "Assay", "", {{"pyroseq", "pyrosequencing"}}},
                   {"mgmt_pct", "MGMT promoter, methylated share", "%"},
                   {"n_cpg", "CpG sites read", "1"},
                   {"mgmt_call", "Methylated, as the laboratory says", "", kZeroOne},
                   {"cutoff_pct", "The laboratory's cutoff", "%"}});
  for (const Patient& patient : *contents.patients) {
    if (!patient.has[static_cast<std::size_t>(Modality::kMgmt)]) continue;
    table.Row({patient.id, "pyroseq", Number(patient.baseline.mgmt_pct, 3), "4", Digit(patient.baseline.methylated),
               Number(contents.parameters->mgmt.cutoff_pct)});
  }
  return table;
}

}  // namespace

Status WritePatientTables(const SiteContents& contents, const std::filesystem::path& folder) {
  RETURN_IF_ERROR(Participants(contents).Write(folder, "participants"));
  const auto phenotype = folder / "phenotype";
  RETURN_IF_ERROR(Outcome(contents).Write(phenotype, "outcome"));
  RETURN_IF_ERROR(Genetics(contents).Write(phenotype, "genetics"));
  RETURN_IF_ERROR(Variants(contents).Write(phenotype, "variants"));
  RETURN_IF_ERROR(Pathology(contents).Write(phenotype, "ihc"));
  return Mgmt(contents).Write(phenotype, "mgmt");
}

}  // namespace fedtrial::sim
