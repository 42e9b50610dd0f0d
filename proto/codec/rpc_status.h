#pragma once

#include "common/base/result.h"

namespace grpc {
class Status;
}

namespace fedtrial {

// Our errors as they travel over gRPC; the only place that knows both. Users include <grpcpp/support/status.h>.
//
//   kInvalidInput INVALID_ARGUMENT    kWrongPhase  FAILED_PRECONDITION    kNotEnrolled PERMISSION_DENIED
//   kNotApproved  UNAUTHENTICATED     kIntegrity   DATA_LOSS              kBudgetSpent RESOURCE_EXHAUSTED
//   kUnavailable  UNAVAILABLE         kInternal    INTERNAL
grpc::Status ToGrpc(const Error& error);
grpc::Status ToGrpc(const Status& status);  // ok becomes OK

// What a peer or gRPC itself said. Codes that we never send: DEADLINE_EXCEEDED, CANCELLED, ABORTED and UNKNOWN are
// kUnavailable (try again), OUT_OF_RANGE is kInvalidInput, the rest kInternal. The text is kept up to 1,000 bytes, with
// control characters as blanks: it comes from outside and goes to people and logs.
Status FromGrpc(const grpc::Status& status);

}  // namespace fedtrial
