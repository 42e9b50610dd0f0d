#include "proto/codec/rpc_status.h"

#include <utility>

namespace fedtrial {
namespace {

constexpr std::pair<ErrorCode, grpc::StatusCode> kMapping[] = {
    {ErrorCode::kInvalidInput, grpc::StatusCode::INVALID_ARGUMENT},
    {ErrorCode::kWrongPhase, grpc::StatusCode::FAILED_PRECONDITION},
    {ErrorCode::kNotEnrolled, grpc::StatusCode::UNAUTHENTICATED},
    {ErrorCode::kNotApproved, grpc::StatusCode::PERMISSION_DENIED},
    {ErrorCode::kIntegrity, grpc::StatusCode::DATA_LOSS},
    {ErrorCode::kBudgetSpent, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {ErrorCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
    {ErrorCode::kInternal, grpc::StatusCode::INTERNAL},
};

}  // namespace

grpc::Status ToRpcStatus(const Error& error) {
  for (const auto& [code, rpc] : kMapping)
    if (code == error.code) return {rpc, error.message};
  return {grpc::StatusCode::INTERNAL, error.message};
}

grpc::Status ToRpcStatus(const Status& status) { return status.ok() ? grpc::Status::OK : ToRpcStatus(status.error()); }

Error FromRpcStatus(const grpc::Status& status) {
  for (const auto& [code, rpc] : kMapping)
    if (rpc == status.error_code()) return {code, status.error_message()};
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::ABORTED:
      return {ErrorCode::kUnavailable, status.error_message()};
    default:
      return {ErrorCode::kInternal, status.error_message()};
  }
}

}  // namespace fedtrial
