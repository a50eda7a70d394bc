// Whole numbers rounded up: how many blocks hold so many elements.
#pragma once
#include <cstdint>

namespace sf {

// For a >= 0 and b > 0. Mostly both are small, and a division of 32 bits takes a third of the time.
constexpr int64_t ceil_div(int64_t a, int64_t b) {
  const int64_t n = a + b - 1;
  if ((n | b) >> 32 == 0) return static_cast<uint32_t>(n) / static_cast<uint32_t>(b);
  return n / b;
}
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

}  // namespace sf
