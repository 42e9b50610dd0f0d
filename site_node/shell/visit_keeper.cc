#include "site_node/shell/visit_keeper.h"

#include <algorithm>
#include <fmt/format.h>

#include "common/runtime/files.h"

namespace fedtrial::site {

bool VisitKeeper::Opens(const VisitEntry& entry) const {
  return std::ranges::all_of(entry.volumes,
                             [this](const auto& volume) { return cache_.CheckVolume(volume.second).ok(); }) &&
         (entry.baseline.empty() || cache_.CheckBaseline(entry.baseline).ok());
}

VisitKeeper::Known VisitKeeper::Look(const VisitScans& visit, const std::string& laid_onto) const {
  Known known;
  auto entry = ReadVisitEntry(paths_.cache(), visit.subject, visit.session);
  if (!entry || entry->rules != rules_ || entry->laid_onto != laid_onto || !Opens(*entry)) return known;
  known.settled = entry->stamp == visit.stamp;
  if (entry->usable()) known.known_key = entry->key;
  known.entry = std::move(*entry);
  return known;
}

VisitReport VisitKeeper::ReportOf(const VisitScans& visit, const VisitEntry& entry, VisitReport::Kind kind) const {
  VisitReport report{.subject = visit.subject,
                     .session = visit.session,
                     .kind = entry.usable() ? kind : VisitReport::Kind::kFailed,
                     .sequences = {},
                     .reasons = entry.failed,
                     .warnings = {}};
  for (const auto& [sequence, name] : entry.volumes) report.sequences.emplace_back(ToString(sequence));
  return report;
}

Status VisitKeeper::WriteReport(const VisitScans& visit, const v1::VisitPrepared& answer) const {
  const std::filesystem::path folder = paths_.prepared() / visit.subject / visit.session;
  RETURN_IF_ERROR(EnsurePrivateFolder(folder));
  for (const auto& [name, text] : {std::pair("visit.json", &answer.report()), {"visit.png", &answer.picture()}})
    RETURN_IF_ERROR(text->empty() ? RemoveFile(folder / name) : WriteWholeFile(folder / name, AsBytes(*text)));
  return {};
}

Status VisitKeeper::Keep(const VisitScans& visit, const std::string& laid_onto, const v1::VisitPrepared& answer,
                         VisitEntry& entry) const {
  if (!answer.unchanged()) {
    entry = {.rules = rules_,
             .stamp = {},
             .key = answer.key(),
             .laid_onto = laid_onto,
             .baseline = answer.baseline(),
             .volumes = {},
             .failed = {}};
    if (!answer.failed().empty()) entry.failed.push_back(answer.failed());
    for (const v1::SeriesPrepared& series : answer.series()) {
      if (series.sequence() >= kMriSequences)
        return Error{ErrorCode::kInternal, "fedtrial-worker named a sequence that isn't known"};
      const auto sequence = static_cast<MriSequence>(series.sequence());
      if (series.volume().empty())
        entry.failed.push_back(fmt::format("{}: {}", ToString(sequence), series.reason()));
      else
        entry.volumes[sequence] = series.volume();
    }
    RETURN_IF_ERROR(WriteReport(visit, answer));
  }
  entry.stamp = visit.stamp;
  return WriteVisitEntry(paths_.cache(), visit.subject, visit.session, entry);
}

}  // namespace fedtrial::site
