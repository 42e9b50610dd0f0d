#pragma once

#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/contribution.h"
#include "proto/fedtrial/v1/worker.pb.h"

namespace fedtrial::site {

inline constexpr std::size_t kPartBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxRequestBytes = std::size_t{1} << 30;  // a message; larger models come in parts
inline constexpr std::uint32_t kMaxModelParts = 16384;                 // 16 GiB

Status SendReply(int fd, const v1::WorkerReply& reply);
Status SendFailed(int fd, const Error& error);
// Answered, and then the values in parts: little-endian, in the manifest's order, cut at kPartBytes wherever that is.
Status SendContribution(int fd, const Contribution& contribution);
// The model of the request, whether it lies in it or comes in parts, which are all read whatever they hold.
Result<Bytes> ReceiveModel(int fd, const v1::AnswerTask& request);

}  // namespace fedtrial::site
