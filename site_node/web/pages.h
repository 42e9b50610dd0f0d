#pragma once

#include <string>
#include <vector>

#include "common/runtime/page_server.h"
#include "site_node/shell/driver.h"
#include "site_node/shell/telemetry.h"

namespace fedtrial::site {

// The page at "/": `status_json` is Driver::StatusJson, `plan` the approved plan in words. 503 where the status is an
// error.
PageReply StatusPage(const std::string& status_json, const std::string& plan);

// The hospital's own pages on loopback, read-only: where the site stands, its plan in words, metrics. Approval is a
// command.
std::vector<PageRoute> Pages(Driver& driver, Telemetry& telemetry);

}  // namespace fedtrial::site
