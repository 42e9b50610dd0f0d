#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/runtime/process.h"
#include "proto/fedtrial/v1/worker.pb.h"
#include "site_node/shell/config.h"

namespace fedtrial::site {

// The environment of a worker, nothing of ours but where libraries and devices lie. OpenBLAS knows processors by their
// model and takes its slowest kernels (a fifth of the speed) on one made after it, so OPENBLAS_CORETYPE names the
// kernels for what this processor can do, unless our own environment does.
std::map<std::string, std::string> WorkerEnvironment(unsigned threads);

// Starts a fedtrial-worker: the one that site.toml names, else the one beside this program.
Result<std::unique_ptr<ChildProcess>> StartWorker(const SiteConfig& config, unsigned threads);

Bytes Serialized(const google::protobuf::MessageLite& message);
// What a worker said with Failed.
Error ErrorOf(const v1::Failed& failed);

}  // namespace fedtrial::site
