#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/plan/plan.h"
#include "site_node/cohort/days.h"
#include "site_node/cohort/source.h"

namespace fedtrial::site {

// One analyte of one visit, in the plan's unit, not yet transformed.
struct Measurement {
  std::uint32_t patient = 0;     // index into the participants' patient_rows
  std::uint32_t feature = 0;     // index into Plan::features
  std::uint32_t row = 0;         // of the table
  bool below_detection = false;  // then value is the detection limit / sqrt 2
  double day = 0.0;
  double value = 0.0;
};

// A long table (columns day, analyte, value, unit; qualifier, lod_low, specimen, kit and plate where it has them), as
// far as the plan wants its analytes.
struct LongTable {
  std::string name;                       // as the plan names it: "cytokine"
  const Table* table = nullptr;           // null: can't be used
  std::vector<Measurement> measurements;  // by patient, feature, day
  std::vector<bool> spoiled;              // by patient: a row of his is wrong, so none can be relied on
  ColumnPlace day, analyte, value, unit;
  ColumnPlace qualifier, lod_low, specimen, kit, plate;  // without a table where there is no such column

  std::string PlaceText(std::size_t row) const;  // "line 17"
};

// Reads the long tables that the plan names, one after the other. A bad row is found and spoils its patient here.
class MeasurementReader {
 public:
  MeasurementReader(const Plan& plan, Source& source, const DayReader& days, FindingList& findings)
      : plan_(plan), source_(source), days_(days), findings_(findings) {}

  // Opens the tables and finds their columns: what is missing is a problem of the source.
  std::vector<LongTable> Open();
  void Read(const Table& participants, LongTable& into);

 private:
  void TakeRow(LongTable& into, std::uint32_t patient, std::uint32_t row, std::size_t analyte);
  bool Settle(const LongTable& in, std::uint32_t row, const Feature& feature, Measurement& measurement);
  void FindTwice(LongTable& in);
  void Blame(const LongTable& in, const ColumnPlace& place, std::size_t row, std::string message, std::string wanted,
             Severity severity = Severity::kError);

  const Plan& plan_;
  Source& source_;
  const DayReader& days_;
  FindingList& findings_;
};

}  // namespace fedtrial::site
