#include "coordinator/shell/downloads.h"

#include <algorithm>
#include <fmt/format.h>

namespace fedtrial::coordinator {

Status SendModel(const ModelFiles& models, const Digest& digest, std::uint64_t offset,
                 grpc::ServerWriter<v1::DownloadChunk>& writer) {
  ASSIGN_OR_RETURN(SealedReader reader, models.Open(digest));
  if (offset > reader.size())
    return Error{ErrorCode::kInvalidInput, fmt::format("byte {} is wanted of a model of {}", offset, reader.size())};
  v1::DownloadChunk chunk;
  chunk.set_total(reader.size());
  while (offset < reader.size()) {
    std::string& data = *chunk.mutable_data();
    // Up to the end of a sealed record, so that none is opened twice.
    const std::uint64_t record_end = (offset / kSealedRecordBytes + 1) * kSealedRecordBytes;
    data.resize(static_cast<std::size_t>(std::min(record_end, reader.size()) - offset));
    RETURN_IF_ERROR(reader.ReadAt(offset, {reinterpret_cast<std::uint8_t*>(data.data()), data.size()}));
    chunk.set_offset(offset);
    offset += data.size();
    if (!writer.Write(chunk)) return {};
  }
  return {};
}

}  // namespace fedtrial::coordinator
