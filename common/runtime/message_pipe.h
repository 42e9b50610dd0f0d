#pragma once

#include <cstdint>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace fedtrial {

// Messages over a pipe, either end: u32 length little-endian, then the bytes. `what` of an error says "pipe".

// kInvalidInput if longer than 2^32-1 bytes; kUnavailable if the other end is closed (SIGPIPE is ignored in the process
// from the first call on).
Status WriteMessage(int fd, ByteView message);
// nullopt: the other end closed between two messages. kIntegrity: closed within one, or a length above `max_bytes`
// (nothing of it is read or allocated). kUnavailable: none began within `timeout` (the pipe is as before).
Result<std::optional<Bytes>> ReadMessage(int fd, std::size_t max_bytes, std::optional<Duration> timeout = std::nullopt);

// For a child that works long without reading: a thread that ends the process (status 1) once all writers of the pipe
// are gone, so that a killed daemon leaves no worker behind. So the parent keeps its end open while it wants an answer.
void ExitWhenClosed(int fd);

}  // namespace fedtrial
