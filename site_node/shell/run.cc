#include <fmt/format.h>
#include <thread>

#include "common/runtime/control_socket.h"
#include "common/runtime/folder_lock.h"
#include "common/runtime/log.h"
#include "site_node/shell/commands.h"
#include "site_node/shell/config.h"
#include "site_node/shell/driver.h"

namespace fedtrial::site {

Status RunCommand(const CommonOptions& options, StopSignal& stop, const MakePages& make_pages) {
  const StatePaths paths{options.state};
  ASSIGN_OR_RETURN(const SiteConfig config, LoadSiteConfig(paths.config()));
  RETURN_IF_ERROR(StartLog(config.log));
  ASSIGN_OR_RETURN(const auto node, Node::Open(paths, kLockPatience));
  Telemetry telemetry;
  ASSIGN_OR_RETURN(const auto driver, Driver::Make(*node, config, telemetry));
  ASSIGN_OR_RETURN(const auto control,
                   ControlServer::Start(paths.folder, [&](const std::string& command, const std::string& json) {
                     if (command == "status") return Result<std::string>(driver->StatusJson());
                     return driver->Command(command, json);
                   }));
  std::unique_ptr<PageServer> pages;
  if (config.page_port >= 0) {
    ASSIGN_OR_RETURN(pages, PageServer::Start("127.0.0.1", config.page_port, make_pages(*driver, telemetry)));
    LogInfo("pages", {{"address", pages->address()}});
  }
  LogInfo("site runs", {{"site", node->enrolment().site_name}, {"coordinator", node->enrolment().coordinator}});
  std::thread waiter([&] {
    stop.Wait();
    driver->Stop();
  });
  const Status status = driver->Run();
  stop.RequestStop();
  waiter.join();
  LogInfo("site stopped");
  return status;
}

}  // namespace fedtrial::site
