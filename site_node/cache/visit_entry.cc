#include "site_node/cache/visit_entry.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/runtime/files.h"

namespace fedtrial::site {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxEntryBytes = 64 * 1024;
constexpr std::array kSequences{MriSequence::kT1, MriSequence::kT1Contrast, MriSequence::kT2, MriSequence::kFlair};

fs::path VisitsFolder(const fs::path& cache) { return cache / "visits"; }

std::optional<VisitEntry> ReadEntry(const fs::path& file) {
  const auto bytes = ReadWholeFile(file, kMaxEntryBytes);
  if (!bytes.ok()) return std::nullopt;
  auto entry = VisitEntry::FromJson(AsText(*bytes));
  if (!entry.ok()) return std::nullopt;
  return std::move(*entry);
}

// Every entry's file, by name.
std::vector<fs::path> EntryFiles(const fs::path& cache) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& subject : fs::directory_iterator(VisitsFolder(cache), error))
    for (const auto& entry : fs::directory_iterator(subject.path(), error))
      if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::string RulesText(const ImagingRules& rules) {
  return fmt::format("chain {}, cube of {} mm, {} voxels, clipped at {} and {} %", rules.version, rules.crop_mm,
                     rules.voxels, rules.clip_low, rules.clip_high);
}

std::string VisitEntry::ToJson() const {
  Json names = Json::object();
  for (const auto& [sequence, name] : volumes) names[std::string(ToString(sequence))] = name;
  const Json json{{"rules", rules},       {"stamp", stamp},   {"key", key},      {"laid_onto", laid_onto},
                  {"baseline", baseline}, {"volumes", names}, {"failed", failed}};
  return json.dump(1) + "\n";
}

Result<VisitEntry> VisitEntry::FromJson(std::string_view text) {
  const Error bad{ErrorCode::kIntegrity, "the entry of a prepared visit can't be read"};
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return bad;
  const auto text_of = [&json](const char* name) -> const std::string* {
    const auto found = json.find(name);
    return found == json.end() ? nullptr : found->get_ptr<const std::string*>();
  };
  VisitEntry entry;
  for (const auto& [name, into] : {std::pair("rules", &entry.rules),
                                   {"stamp", &entry.stamp},
                                   {"key", &entry.key},
                                   {"laid_onto", &entry.laid_onto},
                                   {"baseline", &entry.baseline}}) {
    const std::string* value = text_of(name);
    if (value == nullptr) return bad;
    *into = *value;
  }
  const auto volumes = json.find("volumes"), failed = json.find("failed");
  if (volumes == json.end() || !volumes->is_object() || failed == json.end() || !failed->is_array()) return bad;
  for (const Json& reason : *failed) {
    if (!reason.is_string()) return bad;
    entry.failed.push_back(reason.get<std::string>());
  }
  for (const auto& [sequence_name, name] : volumes->items()) {
    const auto sequence =
        std::ranges::find_if(kSequences, [&s = sequence_name](MriSequence each) { return ToString(each) == s; });
    if (sequence == kSequences.end() || !name.is_string()) return bad;
    entry.volumes[*sequence] = name.get<std::string>();
  }
  return entry;
}

fs::path VisitEntryFile(const fs::path& cache, const std::string& subject, const std::string& session) {
  return VisitsFolder(cache) / subject / (session + ".json");
}

std::optional<VisitEntry> ReadVisitEntry(const fs::path& cache, const std::string& subject,
                                         const std::string& session) {
  return ReadEntry(VisitEntryFile(cache, subject, session));
}

Status WriteVisitEntry(const fs::path& cache, const std::string& subject, const std::string& session,
                       const VisitEntry& entry) {
  const fs::path file = VisitEntryFile(cache, subject, session);
  RETURN_IF_ERROR(EnsurePrivateFolder(file.parent_path()));
  return WriteWholeFile(file, AsBytes(entry.ToJson()));
}

std::vector<VisitEntry> ReadVisitEntries(const fs::path& cache) {
  std::vector<VisitEntry> entries;
  for (const fs::path& file : EntryFiles(cache))
    if (auto entry = ReadEntry(file)) entries.push_back(std::move(*entry));
  return entries;
}

std::string CacheStamp(const fs::path& cache) {
  std::string stamp;
  std::error_code error;
  for (const fs::path& file : EntryFiles(cache))
    stamp += fmt::format("{} {} {}\n", file.string(), fs::file_size(file, error),
                         fs::last_write_time(file, error).time_since_epoch().count());
  return stamp;
}

}  // namespace fedtrial::site
