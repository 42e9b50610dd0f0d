#pragma once

#include <grpcpp/grpcpp.h>

#include "common/base/result.h"
#include "coordinator/shell/model_files.h"
#include "proto/fedtrial/v1/federation.grpc.pb.h"

namespace fedtrial::coordinator {

// Writes the model's plain bytes from `offset` on, a sealed record at a time. Ok too where the site has gone: it comes
// back with an offset. kInvalidInput if there is no such model or byte.
Status SendModel(const ModelFiles& models, const Digest& digest, std::uint64_t offset,
                 grpc::ServerWriter<v1::DownloadChunk>& writer);

}  // namespace fedtrial::coordinator
