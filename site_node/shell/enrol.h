#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "common/base/result.h"
#include "common/runtime/enrolment_file.h"
#include "site_node/shell/node.h"

namespace fedtrial::site {

// Sends the request (made and signed with the keys of `init`, which stay here), says the fingerprint that two people
// compare, and waits until the consortium has signed: then certificate, roster (pinned) and plan are stored. Called
// again it goes on where it stopped; once enrolled it fetches a certificate that was signed anew for the same keys.
// `tell` gets a line for a person; `stopped` ends the waiting.
Status Enrol(const StatePaths& paths, const EnrolmentFile& file, const std::function<void(const std::string&)>& tell,
             const std::function<bool()>& stopped);

}  // namespace fedtrial::site
