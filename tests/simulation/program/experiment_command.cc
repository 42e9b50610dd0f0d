#include <filesystem>
#include <fmt/format.h>
#include <sstream>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "common/runtime/signals.h"
#include "tests/simulation/program/commands.h"
#include "tests/simulation/program/experiment.h"
#include "tests/simulation/program/experiment_summary.h"
#include "tests/simulation/program/progress.h"
#include "tests/simulation/program/trial_files.h"

namespace fedtrial::sim {
namespace {

namespace fs = std::filesystem;

// A folder of this process' own, gone with it.
class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / fmt::format("fedtrial-experiment-{}", getpid())) {
    fs::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

Status ExperimentCommand(const ExperimentOptions& options) {
  ASSIGN_OR_RETURN(const auto stop, StopSignal::Install());
  RETURN_IF_ERROR(CheckCohortSettings(options.settings.cohort));
  ASSIGN_OR_RETURN(const TrialFiles files, ReadPlanFile(options.plan));
  ExperimentSettings settings = options.settings;
  settings.start = files.start;
  const Scratch scratch;
  nlohmann::json report;
  {
    Progress progress;
    ASSIGN_OR_RETURN(
        report, RunExperiment(
                    files.plan, settings, scratch.path(), [&progress](const std::string& line) { progress.Say(line); },
                    [&stop] { return stop->stopped(); }));
  }
  fmt::print("{}\n", report.dump());
  return {};
}

Status ExperimentSummaryCommand(const ExperimentSummaryOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(options.records));
  std::istringstream lines(text);
  std::vector<nlohmann::json> records;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    records.push_back(nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false));
    if (!records.back().is_object())
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("{}: record {} isn't a JSON object", options.records.string(), records.size())};
  }
  if (records.empty())
    return Error{ErrorCode::kInvalidInput, fmt::format("{} has no record", options.records.string())};
  ASSIGN_OR_RETURN(const nlohmann::json summary, SummariseExperiments(records));
  if (!options.out.empty()) {
    RETURN_IF_ERROR(WriteTextFile(options.out / "summary.json", summary.dump(2) + "\n"));
    RETURN_IF_ERROR(WriteTextFile(options.out / "experiments.html", SummaryPage(summary)));
  }
  fmt::print("{}", SummaryText(summary));
  return {};
}

}  // namespace fedtrial::sim
