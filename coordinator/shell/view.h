#pragma once

#include <cstddef>
#include <string>

#include "coordinator/shell/node.h"
#include "coordinator/shell/telemetry.h"

namespace fedtrial::coordinator {

// What only a running daemon knows.
struct LiveView {
  Telemetry::Live live;
  std::string listen;  // where sites dial in, with the port that was got
  std::string page;    // "" without pages
};

// For `status`, the dashboard and scripts; README.md names the fields. `live` is null without a daemon. "recent" are
// the finished attempts from number `since` on.
Result<std::string> StatusJson(Node& node, const LiveView* live, std::size_t since);

// For `report`: every round with its record, bytes, the chain of models and how the audit log stands.
Result<std::string> ReportJson(Node& node);

// Verifies the log against the coordinator's own key and the countersignatures of the sites of the roster.
Result<AuditReport> VerifyOwnAudit(Node& node);

}  // namespace fedtrial::coordinator
