#include "tests/simulation/program/play.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fmt/format.h>
#include <map>
#include <set>

#include "coordinator/tasks/task.h"
#include "site_node/tasks/task.h"
#include "tests/simulation/federation.h"
#include "tests/simulation/program/plain_volumes.h"

namespace fedtrial::sim {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

SiteId IdOf(std::size_t index) { return SiteId{static_cast<std::uint32_t>(index + 1)}; }

// What the round's vector would be as plain float32.
std::uint64_t PlainBytes(const Manifest& manifest) { return 4 * manifest.Values(); }

class Player {
 public:
  Player(const std::string& plan_toml, const Plan& plan, const std::vector<SiteCohort>& sites,
         const PlayOptions& options)
      : plan_toml_(plan_toml),
        plan_(plan),
        sites_(sites),
        options_(options),
        volumes_(OpenPlainVolumes(plan.imaging)) {}

  Result<Played> Run() {
    ASSIGN_OR_RETURN(const auto faults, ReadFaults());
    simulation::SimHooks hooks;
    if (!faults.empty())
      hooks.upload_arrives = [faults](SiteId site, RoundId round) { return !faults.contains({site, round.round}); };
    ASSIGN_OR_RETURN(const auto federation, simulation::Federation::Make(Settings(), std::move(hooks)));
    RETURN_IF_ERROR(federation->Run());
    if (!federation->finished()) return Unfinished(*federation);
    Played played;
    played.model = federation->latest_model();
    played.rounds = Rounds(federation->trial().history());
    for (std::size_t s = 0; s < sites_.size(); ++s)
      played.upload_bytes[sites_[s].name] = {{"sent", federation->traffic(IdOf(s)).sent_bytes},
                                             {"plain_float32", plain_bytes_[s]}};
    return played;
  }

 private:
  Result<std::set<std::pair<SiteId, std::uint64_t>>> ReadFaults() const {
    std::set<std::pair<SiteId, std::uint64_t>> faults;
    for (const std::string& fault : options_.faults) {
      const std::size_t colon = fault.rfind(':');
      std::uint64_t round = 0;
      const char* end = fault.data() + fault.size();
      const auto site = std::find_if(sites_.begin(), sites_.end(),
                                     [&](const SiteCohort& s) { return s.name == fault.substr(0, colon); });
      if (colon == std::string::npos || site == sites_.end() ||
          std::from_chars(fault.data() + colon + 1, end, round).ptr != end || colon + 1 == fault.size())
        return Error{
            ErrorCode::kInvalidInput,
            fmt::format("--faults \"{}\": wanted <site>:<round> with the name of a site that takes part", fault)};
      faults.emplace(IdOf(static_cast<std::size_t>(site - sites_.begin())), round);
    }
    return faults;
  }

  simulation::SimSettings Settings() {
    simulation::SimSettings settings;
    settings.plan = plan_toml_;
    settings.seed = plan_.seed;
    settings.threads = options_.threads;
    plain_bytes_.assign(sites_.size(), 0);
    for (std::size_t s = 0; s < sites_.size(); ++s)
      settings.sites.push_back(
          {IdOf(s), sites_[s].summary, [this, s](const Task& task, const Manifest& manifest, const Model& before) {
             return Answer(s, task, manifest, before);
           }});
    settings.coordinator.finish = [this](const Task& task, const Sum& sum, const Model& before,
                                         const std::vector<SiteId>&) { return Finish(task, sum, before); };
    return settings;
  }

  Result<Contribution> Answer(std::size_t s, const Task& task, const Manifest& manifest, const Model& before) {
    started_.try_emplace(task.round, Clock::now());
    plain_bytes_[s] += PlainBytes(manifest);
    site::TaskContext context;
    context.cohort = sites_[s].summary.digest;
    context.threads = options_.threads;
    context.device = options_.device;
    context.volumes = volumes_.get();
    auto answer = site::Answer(plan_, task, manifest, sites_[s].cohort, before, context);
    if (!answer.ok()) return answer.error().In(sites_[s].name);
    return answer;
  }

  Result<simulation::StepOutcome> Finish(const Task& task, const Sum& sum, const Model& before) {
    ASSIGN_OR_RETURN(coordinator::Outcome outcome,
                     coordinator::Finish(plan_, task, sum, before, server_, options_.start));
    seconds_[task.round] = std::chrono::duration<double>(Clock::now() - started_[task.round]).count();
    ++finished_;
    if (options_.progress) options_.progress(finished_, PlannedRounds(plan_), Told(task.kind, outcome.result_json));
    return simulation::StepOutcome{std::move(outcome.next), outcome.again, std::move(outcome.result_json)};
  }

  static std::string Told(const std::string& kind, const std::string& result_json) {
    const Json result = Json::parse(result_json, nullptr, /*allow_exceptions=*/false);
    if (kind == "train" && result.contains("loss") && result["loss"].is_number())
      return fmt::format("train, loss {:.4f}", result["loss"].get<double>());
    if (kind == "evaluate" && result.contains("concordance") && result["concordance"]["value"].is_number())
      return fmt::format("evaluate, concordance within sites {:.3f}", result["concordance"]["value"].get<double>());
    if (kind == "recalibrate" && result.contains("slope") && result["slope"].is_number())
      return fmt::format("recalibrate, calibration slope {:.3f}", result["slope"].get<double>());
    return kind;
  }

  Json Rounds(const std::vector<coordinator::RoundRecord>& history) const {
    Json rounds = Json::array();
    for (const coordinator::RoundRecord& record : history) {
      if (!record.committed) continue;
      Json included = Json::array();
      for (const SiteId site : record.included) included.push_back(sites_[site.value - 1].name);
      Json result = Json::parse(record.result, nullptr, /*allow_exceptions=*/false);
      if (!result.is_object()) result = Json::object();
      const auto seconds = seconds_.find(record.id.round);
      rounds.push_back({{"round", record.id.round},
                        {"attempt", record.id.attempt},
                        {"task", record.task.kind},
                        {"included", std::move(included)},
                        {"loss", result.value("loss", Json())},
                        {"concordance", result.value("concordance", Json())},
                        {"seconds", seconds == seconds_.end() ? 0.0 : seconds->second},
                        {"result", std::move(result)}});
    }
    return rounds;
  }

  Error Unfinished(const simulation::Federation& federation) const {
    std::string why = "no reason is known";
    if (!federation.trial().history().empty()) why = federation.trial().history().back().failure;
    if (!federation.rejected().empty()) why += "; " + federation.rejected().back().error.message;
    return {ErrorCode::kUnavailable, fmt::format("the federation came to no end: {}", why)};
  }

  const std::string& plan_toml_;
  const Plan& plan_;
  const std::vector<SiteCohort>& sites_;
  const PlayOptions& options_;
  const std::unique_ptr<VolumeSource> volumes_;
  coordinator::ServerState server_;
  std::vector<std::uint64_t> plain_bytes_;
  std::map<std::uint64_t, Clock::time_point> started_;
  std::map<std::uint64_t, double> seconds_;
  std::uint64_t finished_ = 0;
};

}  // namespace

Result<Played> Play(const std::string& plan_toml, const Plan& plan, const std::vector<SiteCohort>& sites,
                    const PlayOptions& options) {
  if (sites.size() > plan.rules.sites)
    return Error{ErrorCode::kInvalidInput, fmt::format("{} sites have enough patients, the plan's rules.sites is {}",
                                                       sites.size(), plan.rules.sites)};
  if (sites.size() < plan.rules.min_sites)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} sites have enough patients, the plan's rules.min_sites is {}", sites.size(),
                             plan.rules.min_sites)};
  return Player(plan_toml, plan, sites, options).Run();
}

}  // namespace fedtrial::sim
