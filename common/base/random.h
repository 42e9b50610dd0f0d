#pragma once

#include <cstdint>
#include <span>

namespace fedtrial {

// Randomness as an argument. The shells pass the operating system's generator (security/crypto), tests a seeded one.
class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(std::span<std::uint8_t> out) = 0;
};

}  // namespace fedtrial
