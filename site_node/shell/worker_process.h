#pragma once

#include <memory>

#include "common/base/result.h"
#include "common/runtime/process.h"
#include "proto/fedtrial/v1/worker.pb.h"
#include "site_node/shell/config.h"

namespace fedtrial::site {

// Starts a fedtrial-worker: the one that site.toml names, else the one beside this program. It inherits nothing of our
// environment but where libraries lie.
Result<std::unique_ptr<ChildProcess>> StartWorker(const SiteConfig& config, unsigned threads);

Bytes Serialized(const google::protobuf::MessageLite& message);
// What a worker said with Failed.
Error ErrorOf(const v1::Failed& failed);

}  // namespace fedtrial::site
