#pragma once

#include <vector>

#include "common/runtime/page_server.h"
#include "coordinator/shell/commands.h"

namespace fedtrial::coordinator {

// The read-only dashboard at "/", and for machines /status.json, /report.json and /metrics.
std::vector<PageRoute> MakePages(PageSources sources);

}  // namespace fedtrial::coordinator
