#pragma once

#include <optional>

#include "site_node/cohort/cohort.h"
#include "site_node/cohort/days.h"
#include "site_node/cohort/patient_fields.h"

namespace fedtrial::site {

// The course of each patient for the plan's illness-death endpoint, its logic checked: 0 <= last scan without
// recurrence < recurrence <= death or last contact <= data cut. A patient whose tables contradict themselves has no
// course and is left out of this endpoint.
class CourseReader {
 public:
  // `endpoint` may be null: then nobody has a course.
  CourseReader(const Endpoint* endpoint, Source& source, const DayReader& days, PatientFields& fields);

  void Read(Sample& sample, CohortReading& reading);

 private:
  // The day, nothing for n/a; a bad one is blamed and sets `ok_` false.
  std::optional<double> Day(const ColumnPlace& place, std::string_view patient);
  std::optional<bool> Happened(const ColumnPlace& place, std::string_view patient);
  std::optional<Course> Assemble(std::string_view patient);
  void CheckOrder(std::string_view patient, const Course& course);
  void Refuse(const ColumnPlace& place, std::string_view patient, std::string message, std::string wanted);

  const Endpoint* endpoint_;
  const DayReader& days_;
  PatientFields& fields_;
  ColumnPlace time_, event_, last_negative_, recurrence_, recurrence_event_;
  ColumnPlace data_cut_, death_cause_;  // where the outcome table has them
  bool ok_ = true;                      // of the patient at hand
};

}  // namespace fedtrial::site
