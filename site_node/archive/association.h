#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "site_node/shell/config.h"

namespace fedtrial::site {

// The keys of a query, or what is to be retrieved: DICOM tag (group << 16 | element) and value; "" asks for it.
using Identifier = std::vector<std::pair<std::uint32_t, std::string>>;

// What the archive sends of a message, its data set aside.
struct ArchiveMessage {
  enum class Kind { kFindAnswer, kGetAnswer, kStore };
  Kind kind = Kind::kFindAnswer;
  std::uint16_t status = 0;                 // of an answer
  bool has_data = false;                    // ReceiveData is to be called next
  std::string sop_class, sop_instance;      // of an image to store
  std::uint16_t completed = 0, failed = 0;  // images of a retrieval, in its last answer
};

// One DICOM association (PS3.7, PS3.8) that this site asked for: verification, queries and retrievals of the study
// root, and MR images stored on the same connection, so that nothing listens here. One thread. Every error that isn't
// said otherwise is kUnavailable, names the archive's host and port, and ends the association.
class Association {
 public:
  // kInvalidInput where the archive refuses our name or its own, or offers no queries and retrievals (C-GET).
  // `stopped` is asked every other second while nothing comes.
  static Result<std::unique_ptr<Association>> Open(const ArchiveConfig& archive, std::function<bool()> stopped);
  ~Association();  // releases it, or aborts it amid a request
  void Settled();  // the last request is answered to its end

  Status Echo();
  Status SendFind(const Identifier& keys);
  Status SendGet(const Identifier& keys);
  // The next message that has to do with the last request.
  Result<ArchiveMessage> Receive();
  struct Data {
    Bytes bytes;
    std::string transfer_syntax;
  };
  // The data set of the message received last. kIntegrity, the association unusable, where it is larger.
  Result<Data> ReceiveData(std::size_t max_bytes);
  // Answers a kStore: it is kept.
  Status SayStored();

 private:
  struct Connection;
  explicit Association(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace fedtrial::site
