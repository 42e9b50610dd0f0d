#include "tests/simulation/cohort/generate.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/simulation/cohort/site_tables.h"
#include "tests/simulation/cohort/table_text.h"

namespace fedtrial::sim {
namespace {

namespace fs = std::filesystem;

constexpr char kReadme[] =
    "# SIMULATED patients\n\n"
    "Nobody in these folders exists: `fedtrial-sim cohort` drew every value (published frequencies are in\n"
    "cohort_parameters.toml of the source, each with where it is from). Not for any statement about patients.\n\n"
    "- `site_*/`: what each simulated hospital has, in the form of every site's data folder.\n"
    "- `sealed_truth.json`: each patient's true risk and course, for scoring alone. No site may read it.\n\n"
    "Made with signal {}, seed {}: {} patients at {} sites, {:.0f} % of each modality's sites without it.\n"
    "Images are made from the Colin27 head of Debian's mricron-data (Holmes 1998, J Comput Assist Tomogr 22:324).\n";

nlohmann::ordered_json Day(const std::optional<int>& day) {
  return day ? nlohmann::ordered_json(*day) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json TruthOf(const CohortSettings& settings, const std::vector<SimulatedSite>& sites) {
  nlohmann::ordered_json truth;
  truth["simulated"] = true;
  truth["signal"] = ToString(settings.signal);
  truth["seed"] = settings.seed;
  nlohmann::ordered_json& patients = truth["patients"] = nlohmann::ordered_json::array();
  for (const SimulatedSite& site : sites)
    for (const Patient& patient : site.patients)
      patients.push_back({{"participant_id", patient.id},
                          {"site", site.site.name},
                          {"risk", patient.risk},
                          {"recurrence_day", Day(patient.truth.recurrence_day)},
                          {"death_day", Day(patient.truth.death_day)},
                          {"slope", patient.baseline.slope},
                          {"texture", patient.baseline.texture}});
  return truth;
}

// Removes what was written so far unless it is kept.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) { Remove(); }
  ~TemporaryFolder() { Remove(); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& path() const { return path_; }
  Status RenameTo(const fs::path& out) const {
    std::error_code error;
    fs::rename(path_, out, error);
    if (error)
      return Error{ErrorCode::kUnavailable, fmt::format("{} can't be made: {}", out.string(), error.message())};
    return {};
  }

 private:
  void Remove() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path path_;
};

Status RefuseFilled(const fs::path& out) {
  std::error_code error;
  if (!fs::exists(out, error)) return {};
  if (!fs::is_directory(out, error) || !fs::is_empty(out, error) || error)
    return Error{ErrorCode::kInvalidInput, fmt::format("{} is there and not an empty folder", out.string())};
  return {};
}

class Writer {
 public:
  Writer(const CohortParameters& parameters, const CohortSettings& settings, ImageWriter* images,
         const GenerateOptions& options, std::size_t visits)
      : parameters_(parameters), settings_(settings), images_(images), options_(options), visits_(visits) {}

  Status WriteSite(const SimulatedSite& simulated, const fs::path& folder) {
    if (options_.stopped && options_.stopped()) return Stopped();
    RETURN_IF_ERROR(WriteSiteTables(
        {&parameters_, &settings_, &simulated.site, &simulated.patients, &simulated.therapies}, folder));
    unsigned raw_left = simulated.site.raw_visits;
    for (const Patient& patient : simulated.patients) {
      if (patient.has[static_cast<std::size_t>(Modality::kMri)])
        RETURN_IF_ERROR(WriteImages(simulated.site, patient, folder, raw_left));
      ++patient_index_;
    }
    return {};
  }

 private:
  static Error Stopped() { return {ErrorCode::kUnavailable, "stopped: nothing was written"}; }

  Status WriteImages(const Site& site, const Patient& patient, const fs::path& folder, unsigned& raw_left) {
    for (std::size_t visit = 0; visit < std::min(kScannedVisits, patient.course.visits.size()); ++visit) {
      if (options_.stopped && options_.stopped()) return Stopped();
      const bool raw = raw_left > 0;
      raw_left -= raw ? 1 : 0;
      RETURN_IF_ERROR(
          images_->Write({settings_.seed, patient_index_, &site, &patient, visit, settings_.volume, raw, folder}));
      ++done_;
      if (options_.progress) options_.progress(done_, visits_);
    }
    return {};
  }

  const CohortParameters& parameters_;
  const CohortSettings& settings_;
  ImageWriter* images_;
  const GenerateOptions& options_;
  std::size_t visits_;
  std::size_t done_ = 0;
  std::uint64_t patient_index_ = 0;
};

}  // namespace

Status GenerateCohort(const CohortParameters& parameters, const CohortSettings& settings,
                      const std::vector<SimulatedSite>& sites, const fs::path& out, ImageWriter* images,
                      const GenerateOptions& options) {
  RETURN_IF_ERROR(CheckCohortSettings(settings));
  RETURN_IF_ERROR(RefuseFilled(out));
  const CohortCounts counts = CountsOf(sites);
  const std::size_t visits = counts.prepared_visits + counts.raw_visits;
  if (images == nullptr && visits > 0)
    return Error{ErrorCode::kInvalidInput, "images are wanted and there is nothing to draw them with"};
  const fs::path target = fs::absolute(out).lexically_normal();
  const fs::path clean = target.has_filename() ? target : target.parent_path();  // "dir/" names dir
  const TemporaryFolder temporary(clean.parent_path() / fmt::format(".{}.partial", clean.filename().string()));
  RETURN_IF_ERROR(MakeFolder(temporary.path()));
  Writer writer(parameters, settings, images, options, visits);
  for (const SimulatedSite& site : sites) RETURN_IF_ERROR(writer.WriteSite(site, temporary.path() / site.site.name));
  RETURN_IF_ERROR(WriteFile(temporary.path() / "sealed_truth.json", TruthOf(settings, sites).dump(2) + "\n"));
  RETURN_IF_ERROR(WriteFile(temporary.path() / "README.md",
                            fmt::format(kReadme, ToString(settings.signal), settings.seed, settings.patients,
                                        settings.sites, 100.0 * settings.missing)));
  return temporary.RenameTo(clean);
}

}  // namespace fedtrial::sim
