#pragma once

#include "common/base/random.h"

namespace fedtrial {

// OpenSSL's private generator, seeded by the operating system; any thread. Ends the process if it fails: nothing sane
// can follow.
class SystemRandom : public Random {
 public:
  void Fill(std::span<std::uint8_t> out) override;
};

}  // namespace fedtrial
