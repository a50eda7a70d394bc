// The random numbers' part of the kernel table. Elements come in batches that start at a multiple
// of kRandomBatch and take kRandomWords words of Philox output, 16 counters in ascending order.
#pragma once
#include <cstdint>

namespace sf {

constexpr int64_t kRandomWords = 64;

// Elements of one batch: a float takes one word, a double two (i and 32 + i, the high one first).
template <class T>
constexpr int64_t kRandomBatch = kRandomWords * 4 / static_cast<int64_t>(sizeof(T));

template <class T>
struct RandomKernels {
  // Word w of the counter (first + i, draw) goes to out[16 w + i], for 16 counters.
  void (*words)(uint64_t seed, uint64_t draw, uint64_t first, uint32_t* out) = nullptr;
  // Numbers in [0, 1) on a grid of 2^-24 (2^-53), from a batch of words.
  void (*uniform)(const uint32_t* words, T* out) = nullptr;
  // Standard normal numbers by Box and Muller: the first half of a batch gives radii, the second
  // angles.
  void (*normal)(const uint32_t* words, T* out) = nullptr;
  // y = words >= threshold ? x scale : 0 over n <= kRandomWords elements.
  void (*dropout)(const uint32_t* words, uint32_t threshold, const T* x, T scale, T* y,
                  int64_t n) = nullptr;
};

}  // namespace sf
