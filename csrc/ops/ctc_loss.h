// -log of the probability of label sequences of unknown layout in time.
#pragma once
#include "ops/loss.h"

namespace sf {

// targets: (N, S) in rows, or (sum of target_lengths,); the lengths (N,); all integers.
struct CtcTargets {
  Tensor targets, input_lengths, target_lengths;
};
struct CtcOptions {
  int64_t blank = 0;
  bool zero_infinity = false;  // a target that has no layout gives 0 instead of inf
};

// log_probs (T, N, C) or (T, C). The mean divides each loss by its target's length (1 at least)
// first. The gradient is that by log_probs.
Tensor ctc_loss(const Tensor& log_probs, const CtcTargets& targets, const CtcOptions& options,
                const LossReduction& how);

}  // namespace sf
