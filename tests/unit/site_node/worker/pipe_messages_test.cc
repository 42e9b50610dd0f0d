#include "site_node/worker/pipe_messages.h"

#include <cstring>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include "common/runtime/message_pipe.h"

namespace fedtrial::site {
namespace {

// Every message on the pipe until its other end is closed.
std::vector<Bytes> AllMessages(int fd) {
  std::vector<Bytes> messages;
  while (true) {
    auto message = ReadMessage(fd, std::size_t{1} << 30);
    if (!message.ok() || !*message) return messages;
    messages.push_back(std::move(**message));
  }
}

TEST(PipeMessages, LongValuesGoInPartsOfAMebibyteWhateverTheTensors) {
  Contribution contribution;
  contribution.blocks = {{.weight = 5, .contributes = true}, {}};
  contribution.tensors = {Tensor::Zeros({"a/x", {700'000}, ScalarType::kFloat64}),
                          Tensor::Zeros({"a/y", {900'001}, ScalarType::kFloat32}), Tensor::Zeros({"b/z", {3}})};
  Bytes wanted;
  for (Tensor& tensor : contribution.tensors) {
    for (std::size_t i = 0; i < tensor.size(); ++i) tensor.set(i, static_cast<double>(i % 1000) / 8.0);
    std::visit(
        [&](const auto& values) {
          const std::size_t start = wanted.size();
          wanted.resize(start + values.size() * sizeof(values[0]));
          std::memcpy(wanted.data() + start, values.data(), wanted.size() - start);
        },
        tensor.values);
  }
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Status sent;
  std::thread sender([&] {
    sent = SendContribution(ends[1], contribution);
    close(ends[1]);
  });
  const std::vector<Bytes> messages = AllMessages(ends[0]);
  sender.join();
  close(ends[0]);
  ASSERT_TRUE(sent.ok());
  v1::WorkerReply reply;
  ASSERT_TRUE(reply.ParseFromArray(messages.at(0).data(), static_cast<int>(messages[0].size())));
  EXPECT_EQ(reply.answered().weights(0), 5u);
  EXPECT_FALSE(reply.answered().contributes(1));
  ASSERT_EQ(reply.answered().value_parts() + 1, messages.size());
  EXPECT_EQ(messages.size(), 10u);  // 9.2 MB: eight whole parts and a rest
  Bytes values;
  for (std::size_t i = 1; i < messages.size(); ++i) {
    v1::WorkerPart part;
    ASSERT_TRUE(part.ParseFromArray(messages[i].data(), static_cast<int>(messages[i].size())));
    EXPECT_LE(part.data().size(), kPartBytes);
    values.insert(values.end(), part.data().begin(), part.data().end());
  }
  EXPECT_EQ(values, wanted);
}

TEST(PipeMessages, AnAnswerWithoutValuesHasNoParts) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_TRUE(SendContribution(ends[1], Contribution{}).ok());
  close(ends[1]);
  EXPECT_EQ(AllMessages(ends[0]).size(), 1u);
  close(ends[0]);
}

}  // namespace
}  // namespace fedtrial::site
