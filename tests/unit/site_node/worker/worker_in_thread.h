#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <optional>
#include <thread>
#include <unistd.h>

#include "common/runtime/message_pipe.h"
#include "proto/fedtrial/v1/worker.pb.h"
#include "site_node/worker/worker.h"

namespace fedtrial::site {

inline Bytes Serialized(const google::protobuf::MessageLite& message) {
  Bytes bytes(message.ByteSizeLong());
  EXPECT_TRUE(message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
  return bytes;
}

// RunWorker in a thread of its own, and the daemon's ends of its pipes.
class WorkerInThread {
 public:
  WorkerInThread() {
    EXPECT_EQ(pipe2(to_worker_, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(from_worker_, O_CLOEXEC), 0);
    thread_ = std::thread([this] {
      status_ = RunWorker(to_worker_[0], from_worker_[1]);
      close(from_worker_[1]);
    });
  }
  ~WorkerInThread() {
    if (thread_.joinable()) End();
    close(to_worker_[0]);
    close(from_worker_[0]);
  }

  void SendBytes(ByteView message) const { EXPECT_TRUE(WriteMessage(to_worker_[1], message).ok()); }
  void SendRaw(ByteView bytes) const {
    EXPECT_EQ(write(to_worker_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void Send(const google::protobuf::MessageLite& message) const { SendBytes(Serialized(message)); }

  // The next reply that isn't progress; KIND_NOT_SET once the worker has closed its side.
  v1::WorkerReply Receive() {
    while (true) {
      v1::WorkerReply reply;
      const auto message = ReadMessage(from_worker_[0], std::size_t{1} << 30);
      EXPECT_TRUE(message.ok()) << (message.ok() ? "" : message.error().message);
      if (!message.ok() || !*message) return {};
      EXPECT_TRUE(reply.ParseFromArray((*message)->data(), static_cast<int>((*message)->size())));
      if (!reply.has_progress()) return reply;
      ++progress_;
    }
  }
  // The values that follow an Answered.
  Bytes ReceiveValues(const v1::Answered& answered) const {
    Bytes values;
    for (std::uint32_t i = 0; i < answered.value_parts(); ++i) {
      const auto message = ReadMessage(from_worker_[0], (std::size_t{4} << 20) + 64);
      v1::WorkerPart part;
      EXPECT_TRUE(message.ok() && message->has_value() &&
                  part.ParseFromArray((*message)->data(), static_cast<int>((*message)->size())));
      values.insert(values.end(), part.data().begin(), part.data().end());
    }
    return values;
  }

  void CloseInput() {
    if (to_worker_[1] >= 0) close(to_worker_[1]);
    to_worker_[1] = -1;
  }
  // What RunWorker gave back.
  int End() {
    CloseInput();
    thread_.join();
    return status_;
  }
  int progress() const { return progress_; }

 private:
  int to_worker_[2] = {-1, -1};
  int from_worker_[2] = {-1, -1};
  std::thread thread_;
  int status_ = -1;
  int progress_ = 0;
};

}  // namespace fedtrial::site
