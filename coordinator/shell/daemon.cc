#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/runtime/control_socket.h"
#include "common/runtime/folder_lock.h"
#include "common/runtime/log.h"
#include "coordinator/shell/commands.h"
#include "coordinator/shell/config.h"
#include "coordinator/shell/control.h"
#include "coordinator/shell/driver.h"
#include "coordinator/shell/service.h"
#include "coordinator/shell/view.h"

namespace fedtrial::coordinator {
namespace {

// The parts of a running daemon, in the order in which they are made; taken down the other way round.
struct Daemon {
  CoordinatorConfig config;
  std::unique_ptr<Node> node;
  Telemetry telemetry;
  std::unique_ptr<Driver> driver;
  std::unique_ptr<FederationServer> server;
  std::unique_ptr<PageServer> pages;
  std::unique_ptr<ControlServer> control;

  std::string Listening() const { return fmt::format("{}:{}", ParseHostPort(config.listen)->host, server->port()); }
  std::string Address() const {
    const auto address = ParseHostPort(config.address);
    return address->port == 0 ? fmt::format("{}:{}", address->host, server->port()) : config.address;
  }

  // From any thread but the driver's.
  Result<std::string> Status(std::size_t since) {
    LiveView view{telemetry.live(), Listening(), pages == nullptr ? "" : pages->address()};
    return driver->Ask<std::string>([view, since](Node& on) { return StatusJson(on, &view, since); });
  }
  Result<std::string> Answer(const std::string& command, const std::string& text) {
    if (command == "status") {
      const auto arguments = nlohmann::json::parse(text, nullptr, false);
      const bool given =
          arguments.is_object() && arguments.contains("since") && arguments["since"].is_number_unsigned();
      return Status(given ? arguments["since"].get<std::size_t>() : 0);
    }
    return driver->Ask<std::string>([&](Node& on) {
      return AnswerControl({on, [this](const Input& input) { return driver->ApplyNow(input); },
                            [this] { driver->EnrolmentChanged(); }, Address()},
                           command, text);
    });
  }
};

Status StartServers(Daemon& daemon, const PageMaker& make_pages) {
  ASSIGN_OR_RETURN(daemon.server, FederationServer::Start(*daemon.driver, daemon.config.listen));
  if (daemon.config.page_port >= 0) {
    PageSources sources{[&daemon](std::size_t since) { return daemon.Status(since); },
                        [&daemon] { return daemon.driver->Ask<std::string>([](Node& on) { return ReportJson(on); }); },
                        [&daemon] { return daemon.telemetry.metrics().Text(); }};
    ASSIGN_OR_RETURN(daemon.pages,
                     PageServer::Start("127.0.0.1", daemon.config.page_port, make_pages(std::move(sources))));
  }
  ASSIGN_OR_RETURN(daemon.control, ControlServer::Start(daemon.node->paths().folder,
                                                        [&daemon](const std::string& command, const std::string& json) {
                                                          return daemon.Answer(command, json);
                                                        }));
  return {};
}

}  // namespace

Status Run(const RunOptions& options, StopSignal& stop, const PageMaker& make_pages) {
  const StatePaths paths{options.state};
  Daemon daemon;
  ASSIGN_OR_RETURN(daemon.config, LoadConfig(options.config.empty() ? paths.config() : options.config));
  if (options.check_config) {
    fmt::print("the configuration is sound\n");
    return {};
  }
  RETURN_IF_ERROR(StartLog(daemon.config.log));
  ASSIGN_OR_RETURN(daemon.node, Node::Open(paths, Node::Mode::kLocked, kLockPatience));
  daemon.driver = std::make_unique<Driver>(*daemon.node, daemon.telemetry, daemon.config.threads);
  Status ended;
  std::thread driving([&] {
    ended = daemon.driver->Run();
    stop.RequestStop();
  });
  Status started = StartServers(daemon, make_pages);
  if (started.ok()) {
    LogInfo("coordinator runs", {{"trial", daemon.node->plan().trial_id},
                                 {"listen", daemon.Listening()},
                                 {"pages", daemon.pages == nullptr ? "none" : daemon.pages->address()}});
    stop.Wait();
  }
  daemon.driver->Stop();
  driving.join();
  daemon.control.reset();
  daemon.pages.reset();
  if (daemon.server != nullptr) daemon.server->Stop();
  if (!started.ok()) return started;
  LogInfo("coordinator ends");
  return ended;
}

}  // namespace fedtrial::coordinator
