#include "proto/codec/rpc_status.h"

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>
#include <set>

namespace fedtrial {
namespace {

TEST(RpcStatus, EveryErrorOfOursComesBackTheSame) {
  std::set<int> codes;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const Error error{static_cast<ErrorCode>(code), "rules.threshold: got 3, wanted 4"};
    const grpc::Status status = ToGrpc(error);
    EXPECT_FALSE(status.ok());
    EXPECT_TRUE(codes.insert(status.error_code()).second);
    EXPECT_EQ(FromGrpc(status).error(), error);
  }
  EXPECT_EQ(codes.size(), 8u);
}

TEST(RpcStatus, OkIsOk) {
  EXPECT_TRUE(ToGrpc(Status{}).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status()).ok());
}

TEST(RpcStatus, EveryCodeOfGrpcIsAnError) {
  for (int code = 1; code <= 16; ++code) {
    const Status status = FromGrpc({static_cast<grpc::StatusCode>(code), "x"});
    EXPECT_FALSE(status.ok()) << code;
  }
  EXPECT_EQ(FromGrpc({grpc::StatusCode::DEADLINE_EXCEEDED, ""}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(FromGrpc({grpc::StatusCode::UNIMPLEMENTED, ""}).error().code, ErrorCode::kInternal);
  EXPECT_EQ(FromGrpc({grpc::StatusCode::OUT_OF_RANGE, ""}).error().code, ErrorCode::kInvalidInput);
}

TEST(RpcStatus, APeersTextIsKeptShortAndOnOneLine) {
  const Error error = FromGrpc({grpc::StatusCode::INTERNAL, "a\nb\x1b[31m" + std::string(5000, 'x')}).error();
  EXPECT_EQ(error.message.size(), 1000u);
  EXPECT_EQ(error.message.substr(0, 8), "a b [31m");
}

}  // namespace
}  // namespace fedtrial
