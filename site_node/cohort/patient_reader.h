#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "site_node/cohort/course.h"
#include "site_node/cohort/dictionary.h"
#include "site_node/cohort/panels.h"
#include "site_node/cohort/suspicion.h"
#include "site_node/cohort/volume_files.h"

namespace fedtrial::site {

// The columns of one row a patient that the plan asks for, in its order.
struct Columns {
  ColumnPlace time, event, split;
  std::vector<ColumnPlace> features;  // of a long table: without a table
  std::vector<double> factors;        // of each feature: from the table's unit to the plan's
  std::vector<std::pair<ColumnPlace, const std::vector<std::string>*>> filter;
  std::vector<ColumnPlace> folds;  // of each repeat; empty: dealt here
  ColumnPlace site;                // participants.site, where it is there
};

// A site below the plan's minimum contributes nothing, so it needs no folds.
Columns FindColumns(const Plan& plan, bool with_outcome, std::size_t patients, Source& source,
                    Dictionaries& dictionaries);

// Everything that a row of the cohort is made of.
struct PatientParts {
  const Columns& columns;
  const DayReader& days;
  PatientFields& fields;
  CourseReader& course;
  const SuspicionReader& suspicion;
  const PanelFiller& panels;
  VolumeFiller& volumes;
};

// Reads patient after patient into a cohort.
class PatientReader {
 public:
  PatientReader(const Plan& plan, Source& source, FindingList& findings, const CohortOptions& options,
                const PatientParts& parts)
      : plan_(plan), source_(source), findings_(findings), options_(options), parts_(parts) {}

  CohortReading Read(const Table& participants);

 private:
  enum class Fate { kKept, kLeftOut, kNoOutcome, kFiltered };  // what became of a patient

  Fate ReadPatient(Sample& sample, CohortReading& reading);
  Fate ReadOutcome(Sample& sample);
  bool IsOfThisSite(std::string_view patient);
  bool ReadSplit(Sample& sample);
  bool ReadFolds(Sample& sample);
  bool ReadFeature(std::size_t index, Sample& sample);
  void Clip(Sample& sample, CohortReading& reading) const;
  void FindStrangers(const Table& participants);
  void FindSite(const Table& participants);

  const Plan& plan_;
  const Source& source_;
  FindingList& findings_;
  const CohortOptions& options_;
  PatientParts parts_;
  std::string site_;  // what most of participants.site say; empty: the column isn't there
};

}  // namespace fedtrial::site
