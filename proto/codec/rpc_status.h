#pragma once

#include <grpcpp/support/status.h>

#include "common/base/result.h"

namespace fedtrial {

// Errors over gRPC, the code kept both ways: the one place that knows the mapping. A status that isn't ours (a cut
// connection, a deadline) becomes kUnavailable, anything else kInternal.
grpc::Status ToRpcStatus(const Error& error);
grpc::Status ToRpcStatus(const Status& status);
// `status` isn't ok.
Error FromRpcStatus(const grpc::Status& status);

}  // namespace fedtrial
