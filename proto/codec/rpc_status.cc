#include "proto/codec/rpc_status.h"

#include <algorithm>
#include <array>
#include <grpcpp/support/status.h>
#include <string>

namespace fedtrial {
namespace {

struct Row {
  ErrorCode ours;
  grpc::StatusCode theirs;
};
constexpr std::array<Row, 8> kRows{{
    {ErrorCode::kInvalidInput, grpc::StatusCode::INVALID_ARGUMENT},
    {ErrorCode::kWrongPhase, grpc::StatusCode::FAILED_PRECONDITION},
    {ErrorCode::kNotEnrolled, grpc::StatusCode::PERMISSION_DENIED},
    {ErrorCode::kNotApproved, grpc::StatusCode::UNAUTHENTICATED},
    {ErrorCode::kIntegrity, grpc::StatusCode::DATA_LOSS},
    {ErrorCode::kBudgetSpent, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {ErrorCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
    {ErrorCode::kInternal, grpc::StatusCode::INTERNAL},
}};
constexpr std::size_t kMaxText = 1000;

ErrorCode CodeOf(grpc::StatusCode code) {
  for (const Row& row : kRows) {
    if (row.theirs == code) return row.ours;
  }
  switch (code) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::UNKNOWN:
      return ErrorCode::kUnavailable;
    case grpc::StatusCode::OUT_OF_RANGE:
      return ErrorCode::kInvalidInput;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

grpc::Status ToGrpc(const Error& error) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.ours == error.code; });
  const grpc::StatusCode code = row == kRows.end() ? grpc::StatusCode::INTERNAL : row->theirs;
  return {code, error.message};
}

grpc::Status ToGrpc(const Status& status) { return status.ok() ? grpc::Status() : ToGrpc(status.error()); }

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return {};
  std::string text = status.error_message().substr(0, kMaxText);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return Error{CodeOf(status.error_code()), std::move(text)};
}

}  // namespace fedtrial
