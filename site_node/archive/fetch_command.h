#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/runtime/signals.h"
#include "site_node/shell/commands.h"

namespace fedtrial::site {

// Asks the hospital's archive for the MR series of the patients of the key, or of these, and brings those that the data
// folder lacks: the one command that writes there. kInvalidInput: the archive doesn't let us in, or some series can't
// be used; kUnavailable: it can't be reached, was stopped on the way, or the disk is full.
struct FetchOptions : CommonOptions {
  std::vector<std::string> patients;  // by participant_id; empty: all
  bool dry_run = false;               // says what it would bring
};
Status FetchCommand(const FetchOptions& options, StopSignal& stop);

}  // namespace fedtrial::site
