#include "site_node/cohort/course.h"

#include <algorithm>
#include <fmt/format.h>

#include "site_node/cohort/numbers.h"

namespace fedtrial::site {

CourseReader::CourseReader(const Endpoint* endpoint, Source& source, const DayReader& days, PatientFields& fields)
    : endpoint_(endpoint), days_(days), fields_(fields) {
  if (endpoint_ == nullptr) return;
  time_ = source.Find(endpoint_->time_column);
  event_ = source.Find(endpoint_->event_column);
  last_negative_ = source.Find(endpoint_->last_negative_column);
  recurrence_ = source.Find(endpoint_->recurrence_column);
  recurrence_event_ = source.Find(endpoint_->recurrence_event_column);
  data_cut_ = source.FindIfThere("outcome.data_cut");
  death_cause_ = source.FindIfThere("outcome.death_cause");
}

void CourseReader::Refuse(const ColumnPlace& place, std::string_view patient, std::string message, std::string wanted) {
  ok_ = false;
  fields_.Blame(place, patient, std::move(message), std::move(wanted));
}

std::optional<double> CourseReader::Day(const ColumnPlace& place, std::string_view patient) {
  const std::string_view text = fields_.Of(place, patient);
  if (text == kMissing) return std::nullopt;
  const auto reading = days_.DayOf(text, patient);
  if (!reading.day) Refuse(place, patient, reading.why, days_.Wanted() + ", or n/a");
  return reading.day;
}

std::optional<bool> CourseReader::Happened(const ColumnPlace& place, std::string_view patient) {
  const std::string_view text = fields_.Of(place, patient);
  if (text == "0" || text == "1") return text == "1";
  if (text != kMissing) Refuse(place, patient, "not an event indicator", "0 or 1");
  return std::nullopt;
}

void CourseReader::CheckOrder(std::string_view patient, const Course& course) {
  const std::string end = course.died ? "the death" : "the last contact";
  if (course.last_day < 0.0) Refuse(time_, patient, "a time before day 0", "days >= 0");
  if (course.recurrence_day && *course.recurrence_day > course.last_day)
    Refuse(recurrence_, patient, fmt::format("a recurrence after {} (day {})", end, course.last_day),
           fmt::format("a day up to {}", end));
  if (course.recurrence_day && *course.recurrence_day <= course.last_negative_day)
    Refuse(recurrence_, patient,
           fmt::format("a recurrence that isn't after the last scan without one (day {})", course.last_negative_day),
           "a later day, above 0");
  if (course.last_negative_day > course.last_day)
    Refuse(last_negative_, patient, fmt::format("a scan after {} (day {})", end, course.last_day),
           fmt::format("a day up to {}", end));
  if (const auto cut = Day(data_cut_, patient); cut && course.last_day > *cut)
    Refuse(time_, patient, fmt::format("a day after the data cut (day {})", *cut), "a day up to the data cut");
  if (!course.died && fields_.Of(death_cause_, patient) != kMissing)
    Refuse(death_cause_, patient, "a cause of death of a patient who is said to live",
           fmt::format("n/a, or 1 in {}", endpoint_->event_column));
}

std::optional<Course> CourseReader::Assemble(std::string_view patient) {
  const auto time = Day(time_, patient);
  const auto died = Happened(event_, patient);
  const auto recurred = Happened(recurrence_event_, patient);
  const auto recurrence = Day(recurrence_, patient);
  const auto last_negative = Day(last_negative_, patient);
  if (!ok_ || !time || !died) return std::nullopt;  // one without an outcome was found as such
  if (!recurred) {
    fields_.Blame(recurrence_event_, patient, "it isn't known whether this patient had a recurrence", "0 or 1",
                  Severity::kWarning);
    return std::nullopt;
  }
  if (*recurred && !recurrence) Refuse(recurrence_, patient, "a recurrence without its day", "a day");
  if (!*recurred && recurrence)
    Refuse(recurrence_event_, patient, "no recurrence, but a day of one",
           fmt::format("1, or n/a in {}", endpoint_->recurrence_column));
  // A scan before day 0 is the baseline: the patient is without recurrence at day 0.
  Course course{std::max(0.0, last_negative.value_or(0.0)), recurrence, *time, *died};
  if (ok_) CheckOrder(patient, course);
  if (!ok_) return std::nullopt;
  return course;
}

void CourseReader::Read(Sample& sample, CohortReading& reading) {
  if (endpoint_ == nullptr) return;
  ok_ = true;
  sample.course = Assemble(sample.key);
  if (!ok_) ++reading.left_out_of["endpoint." + endpoint_->name];
}

}  // namespace fedtrial::site
