#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "model/samples/volume.h"
#include "proto/plan/plan.h"

namespace fedtrial::site {

// What a plan asks the imaging chain for, as text: equal texts, equal chains.
std::string RulesText(const ImagingRules& rules);

// What became of one visit: <cache>/visits/<subject>/<session>.json, written after the sealed files it names.
struct VisitEntry {
  std::string rules;                           // RulesText
  std::string stamp;                           // of its scans (VisitFiles)
  std::string key;                             // over the contents of its scans and all that decides the outcome
  std::string laid_onto;                       // name of the patient's baseline in the cache; empty: none was needed
  std::string baseline;                        // name in the cache of the one it made; empty: none
  std::map<MriSequence, std::string> volumes;  // names in the cache
  std::vector<std::string> failed;             // a sentence for each series that couldn't be used, or of the visit

  bool usable() const { return !volumes.empty(); }
  std::string ToJson() const;
  static Result<VisitEntry> FromJson(std::string_view json);  // kIntegrity
};

std::filesystem::path VisitEntryFile(const std::filesystem::path& cache, const std::string& subject,
                                     const std::string& session);
// None: it isn't there, or isn't whole.
std::optional<VisitEntry> ReadVisitEntry(const std::filesystem::path& cache, const std::string& subject,
                                         const std::string& session);
// Whole and durable, or not at all.
Status WriteVisitEntry(const std::filesystem::path& cache, const std::string& subject, const std::string& session,
                       const VisitEntry& entry);
// Of all visits of all patients.
std::vector<VisitEntry> ReadVisitEntries(const std::filesystem::path& cache);

// Names, sizes and times of all entries: other entries, another stamp.
std::string CacheStamp(const std::filesystem::path& cache);

}  // namespace fedtrial::site
