// Random numbers that are a function of (seed, draw, element index): the same for any number of
// threads. Words, uniform numbers, integers and masks are the same on every ISA; normal numbers are
// the same on every ISA with fused multiply-add. Arrays are contiguous.
#pragma once
#include <array>

#include "base/array.h"
#include "base/rng.h"

namespace sf {

// One block of Philox 4x32-10 output.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// 64 random bits of element i, and a number in [0, bound) made from them.
uint64_t random_bits(RandomKey key, uint64_t i);
int64_t random_below(RandomKey key, uint64_t i, uint64_t bound);

void run_uniform(const Array& y, RandomKey key, double low, double high);  // in [low, high)
void run_normal(const Array& y, RandomKey key, double mean, double std);
void run_randint(const Array& y, RandomKey key, int64_t low,
                 int64_t high);  // int64, in [low, high)

// y = x scale, or 0 with probability p; with y = dx and x = dy it is its own backward. The mask is
// made anew from the key, and does not depend on the dtype.
void run_dropout(const Array& x, const Array& y, RandomKey key, double p, double scale);

}  // namespace sf
