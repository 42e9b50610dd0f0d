#pragma once

#include "common/base/random.h"
#include "common/base/time.h"

namespace fedtrial {

// How long to wait before trying again: doubles from `first` up to `most`, then a random part of its upper half is
// taken off, so that sites cut off together don't come back together.
struct Backoff {
  Duration first{500};
  Duration most{30'000};

  // attempt counts from 0; between half and all of min(most, first * 2^attempt).
  Duration Delay(unsigned attempt, Random& random) const;
};

}  // namespace fedtrial
