// Optimizer steps: all parameters of a group in one call, one pass over memory. No gradients.
#pragma once
#include <span>

#include "tensor/tensor.h"

namespace sf {

using Tensors = std::span<const Tensor>;

// How the velocity v follows the gradient g (mu: momentum, d: dampening):
//   kTorch      v = mu v + (1 - d) g, at first v = g    p -= lr v
//   kClassical  v = mu v + lr g                         p -= v
//   kEma        v = mu v + (1 - mu) g                   p -= lr v
enum class MomentumForm { kTorch, kClassical, kEma };

struct SgdOptions {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
  MomentumForm form;
};

// `velocities` and `fresh` are empty without momentum; fresh[i] is 1 for a velocity never stepped
// before, which is all zeros, else 0.
void sgd_step_(Tensors params, Tensors grads, Tensors velocities, std::span<const uint8_t> fresh,
               const SgdOptions& options);

struct AdamOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool maximize, eps_inside, bias_correction;
};

// `largest` is empty unless amsgrad is wanted; steps[i] counts the updates of params[i], 1 for the
// first.
void adam_step_(Tensors params, Tensors grads, Tensors averages, Tensors squares, Tensors largest,
                std::span<const int64_t> steps, const AdamOptions& options);

// Both throw before they change anything: ShapeError, DtypeError if a gradient or a state is not of
// its parameter's shape and dtype, RuntimeError if a parameter may not be written. Strided
// parameters and states work, through a copy. The version counters of the parameters go up.

}  // namespace sf
