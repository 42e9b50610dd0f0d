#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace fedtrial::imaging {

bool IsGzip(ByteView bytes);

// The first `size` bytes of what is packed, or as many as there are. kInvalidInput: damaged.
Result<Bytes> GunzipStart(ByteView packed, std::size_t size);

// All of it, which must be exactly `size` bytes: no more is ever unpacked. kInvalidInput: damaged (CRC), truncated,
// or longer.
Result<Bytes> GunzipWhole(ByteView packed, std::size_t size);

// Without name and time: the same bytes in, the same bytes out.
Bytes Gzip(ByteView bytes);

}  // namespace fedtrial::imaging
