// The random numbers of a sample.
#include <cmath>
#include <numbers>

#include "kernels/augment.h"

namespace sf {

// No generator counts its draws up to here: the blocks that make keys are met nowhere else.
constexpr uint32_t kKeyDomain = 0x80000000;
constexpr uint32_t kSeedDomain = 0xffffffff;  // no transform stands in this place

namespace {

uint32_t low(uint64_t x) { return static_cast<uint32_t>(x); }
uint32_t high(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

// The upper half of the epoch, for which the blocks have no room, makes another seed.
uint64_t seed_of(AugmentKey key) {
  if (high(key.epoch) == 0) return key.seed;
  const auto words = philox({high(key.epoch), 0, 0, kSeedDomain}, {low(key.seed), high(key.seed)});
  return uint64_t{words[0]} << 32 | words[1];
}

}  // namespace

SampleStream::SampleStream(AugmentKey key, uint32_t place, int64_t index) {
  const auto i = static_cast<uint64_t>(index);
  const uint64_t seed = seed_of(key);
  const auto words =
      philox({low(i), high(i), low(key.epoch), place | kKeyDomain}, {low(seed), high(seed)});
  key_ = {uint64_t{words[0]} << 32 | words[1], uint64_t{words[2]} << 32 | words[3]};
}

double SampleStream::uniform() {
  return static_cast<double>(random_bits(key_, drawn_++) >> 11) * 0x1p-53;
}

// Box and Muller.
double SampleStream::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

// Marsaglia and Tsang 2000; below 1 by Gamma(alpha) = Gamma(alpha + 1) U^(1 / alpha).
double SampleStream::log_gamma_number(double alpha) {
  const double boost = alpha < 1 ? std::log(1 - uniform()) / alpha : 0;
  const double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double z = normal(), root = 1 + c * z;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(1 - uniform()) < z * z / 2 + d - d * v + d * std::log(v)) {
      return boost + std::log(d * v);
    }
  }
}

double SampleStream::beta(double alpha) {
  const double a = log_gamma_number(alpha), b = log_gamma_number(alpha);
  return 1 / (1 + std::exp(b - a));
}

}  // namespace sf
