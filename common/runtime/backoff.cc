#include "common/runtime/backoff.h"

#include <algorithm>
#include <array>

#include "common/base/bytes.h"

namespace fedtrial {

Duration Backoff::Delay(unsigned attempt, Random& random) const {
  Duration delay = std::min(first, most);
  for (unsigned i = 0; i < attempt && delay < most; ++i) delay = std::min(delay * 2, most);
  std::array<std::uint8_t, 4> bytes{};
  random.Fill(bytes);
  const Duration half = delay / 2;
  return delay - half * ByteReader(bytes).U32() / 0xffffffff;
}

}  // namespace fedtrial
