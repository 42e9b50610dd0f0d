#include <ctime>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/runtime/files.h"
#include "coordinator/shell/commands.h"
#include "coordinator/shell/config.h"
#include "coordinator/shell/control.h"
#include "coordinator/shell/node.h"
#include "security/crypto/system_random.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxPlanBytes = std::size_t{1} << 20;

bool IsThisMachine(const std::string& host) { return host == "localhost" || host == "127.0.0.1" || host == "::1"; }

std::string WithPort(const std::string& host, int port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

Status Tell(const std::filesystem::path& state, const std::string& command, const json& arguments) {
  const auto answer = AskTrial(state, command, arguments.dump());
  if (!answer.ok()) return answer.error();
  return {};
}

}  // namespace

Status Init(const InitOptions& options) {
  if (options.hosts.empty() || options.hosts.front().empty())
    return Error{ErrorCode::kInvalidInput, "--host: wanted the name or address that sites dial"};
  SystemRandom random;
  ASSIGN_OR_RETURN(const Consortium consortium, Consortium::Open(options.consortium));
  ASSIGN_OR_RETURN(const Bytes plan, ReadWholeFile(options.plan, kMaxPlanBytes));
  const std::string& host = options.hosts.front();
  std::string listen = options.listen;
  if (listen.empty()) listen = WithPort(IsThisMachine(host) ? "127.0.0.1" : "0.0.0.0", options.port);
  const NewTrial trial{StatePaths{options.state},
                       std::string(AsText(plan)),
                       options.plan.string(),
                       options.hosts,
                       SampleConfig(listen, WithPort(host, options.port)),
                       options.plan.parent_path()};
  if (const auto config = ParseConfig(trial.config_toml, "--host, --port, --listen"); !config.ok())
    return config.error();
  RETURN_IF_ERROR(CreateTrial(trial, consortium, std::time(nullptr), random));
  ASSIGN_OR_RETURN(const Plan parsed, ParsePlan(trial.plan_toml, trial.plan_name));
  fmt::print("trial {} in {}: plan {} is locked and signed\n", parsed.trial_id, options.state.string(),
             ToHex(parsed.hash));
  return {};
}

Status MakeEnrolToken(const std::filesystem::path& state, const std::string& site, const std::filesystem::path& out) {
  ASSIGN_OR_RETURN(const std::string file, AskTrial(state, "enrol-token", json{{"name", site}}.dump()));
  if (out.empty()) {
    fmt::print("{}", file);
    return {};
  }
  RETURN_IF_ERROR(WriteWholeFile(out, AsBytes(file)));
  fmt::print("{}: hand it to the administrator of {} by a trusted way; good once, for 72 hours\n", out.string(), site);
  return {};
}

Status Pause(const std::filesystem::path& state, const std::string& reason) {
  return Tell(state, "pause", {{"reason", reason}});
}
Status Resume(const std::filesystem::path& state) { return Tell(state, "resume", json::object()); }
Status Close(const std::filesystem::path& state, const std::string& reason) {
  return Tell(state, "close", {{"reason", reason}});
}

}  // namespace fedtrial::coordinator
