#include "tests/simulation/cohort/draws.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/base/bytes.h"
#include "security/crypto/sha256.h"

namespace fedtrial::sim {
namespace {

Digest StreamSeed(std::uint64_t seed, std::string_view purpose, std::uint64_t index) {
  return Sha256(ByteWriter().Label("fl/simcohort/v1").U64(seed).Enc(purpose).U64(index).bytes());
}

}  // namespace

Draws::Draws(std::uint64_t seed, std::string_view purpose, std::uint64_t index)
    : random_(std::span<const std::uint8_t, 32>(StreamSeed(seed, purpose, index))) {}

std::uint64_t Draws::Word() {
  if (at_ == buffer_.size()) {
    random_.Fill(buffer_);
    at_ = 0;
  }
  const std::uint64_t word = ByteReader(ByteView(buffer_).subspan(at_, 8)).U64();
  at_ += 8;
  return word;
}

double Draws::Uniform() { return (static_cast<double>(Word() >> 11) + 0.5) * 0x1p-53; }

double Draws::Normal() {
  const double radius = std::sqrt(-2.0 * std::log(Uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * Uniform());
}

int Draws::Whole(int low, int high) {
  return std::min(high, low + static_cast<int>(Uniform() * static_cast<double>(high - low + 1)));
}

double Draws::LogNormal(double median, double spread) { return median * std::exp(spread * Normal()); }

double Draws::Bounded(double mean, double deviation, double low, double high) {
  return std::clamp(mean + deviation * Normal(), low, high);
}

std::size_t Draws::Choice(std::span<const double> shares) {
  double left = Uniform();
  for (std::size_t i = 0; i + 1 < shares.size(); ++i) {
    left -= shares[i];
    if (left < 0.0) return i;
  }
  return shares.size() - 1;
}

}  // namespace fedtrial::sim
