// Mixing the samples of a batch: MixUp and CutMix.
#pragma once
#include "kernels/augment.h"

namespace sf {

// Sample i keeps the share lambda ~ Beta(alpha, alpha) of itself, and its left neighbour in the
// batch (the first one's is the last) gives the rest: MixUp mixes all numbers, CutMix takes a box.
struct MixRun {
  bool cut;
  double alpha;
  AugmentKey key;
  uint32_t place;
  const int64_t* index;
};

// y = x mixed; share (N,) float64 gets what each sample kept: for CutMix by pixels. MixUp takes
// floating x. Contiguous, y not x.
void run_mix(const Array& x, const Array& y, const Array& share, const SampleShape& shape,
             const MixRun& run);

// y = share x_i + (1 - share) x_(i - 1): of numbers per sample, (N, ...), floating;
void run_mix_numbers(const Array& x, const Array& y, const Array& share);
// of labels (N,) int64 in [0, C): y is (N, C) float32.
void run_mix_labels(const Array& labels, const Array& y, const Array& share);

}  // namespace sf
