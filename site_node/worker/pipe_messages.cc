#include "site_node/worker/pipe_messages.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

#include "common/runtime/message_pipe.h"

namespace fedtrial::site {
namespace {

static_assert(std::endian::native == std::endian::little, "values go over the pipe as they lie in memory");

Status Send(int fd, const google::protobuf::MessageLite& message) {
  Bytes bytes(message.ByteSizeLong());
  if (!message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())))
    return Error{ErrorCode::kInternal, "a reply is too large for a message"};
  return WriteMessage(fd, bytes);
}

ByteView ValuesOf(const Tensor& tensor) {
  return std::visit(
      [](const auto& values) -> ByteView {
        return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(values[0])};
      },
      tensor.values);
}

}  // namespace

Status SendReply(int fd, const v1::WorkerReply& reply) { return Send(fd, reply); }

Status SendFailed(int fd, const Error& error) {
  v1::WorkerReply reply;
  reply.mutable_failed()->set_reason(error.message);
  reply.mutable_failed()->set_code(std::string(ToString(error.code)));
  return Send(fd, reply);
}

Status SendContribution(int fd, const Contribution& contribution) {
  v1::WorkerReply reply;
  v1::Answered& answered = *reply.mutable_answered();
  for (const Contribution::Block& block : contribution.blocks) {
    answered.add_weights(block.weight);
    answered.add_contributes(block.contributes);
  }
  answered.set_cohort(contribution.cohort.data(), contribution.cohort.size());
  std::size_t size = 0;
  for (const Tensor& tensor : contribution.tensors) size += ValuesOf(tensor).size();
  answered.set_value_parts(static_cast<std::uint32_t>((size + kPartBytes - 1) / kPartBytes));
  RETURN_IF_ERROR(Send(fd, reply));

  v1::WorkerPart part;
  for (const Tensor& tensor : contribution.tensors) {
    ByteView rest = ValuesOf(tensor);
    while (!rest.empty()) {
      const ByteView now = rest.first(std::min(rest.size(), kPartBytes - part.data().size()));
      part.mutable_data()->append(AsText(now));
      rest = rest.subspan(now.size());
      if (part.data().size() < kPartBytes) continue;
      RETURN_IF_ERROR(Send(fd, part));
      part.mutable_data()->clear();
    }
  }
  return part.data().empty() ? Status() : Send(fd, part);
}

Result<Bytes> ReceiveModel(int fd, const v1::AnswerTask& request) {
  if (request.model_parts() == 0) return ToBytes(AsBytes(request.model()));
  Bytes model;
  bool whole = request.model().empty();
  for (std::uint32_t i = 0; i < request.model_parts(); ++i) {
    ASSIGN_OR_RETURN(const auto message, ReadMessage(fd, kPartBytes + 64));
    if (!message) return Error{ErrorCode::kIntegrity, "the pipe was closed within a model"};
    v1::WorkerPart part;
    whole = whole && part.ParseFromArray(message->data(), static_cast<int>(message->size()));
    if (whole) model.insert(model.end(), part.data().begin(), part.data().end());
  }
  if (!whole) return Error{ErrorCode::kInvalidInput, "the parts of the model can't be read"};
  return model;
}

}  // namespace fedtrial::site
