// Optimizer steps: all parameters of a group in one call, one pass over memory. No gradients.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace sf {

using Tensors = std::span<const Tensor>;

// Changes every parameter by the row `rule` of kernels/update.def. states[k][i] is state k of
// params[i]; coefficients holds one list for each parameter, or one for all of them.
//
// Throws before it changes anything: ValueError if there is no such rule or a list has not the
// length that its row says, ShapeError, DtypeError if a gradient or a state is not of its
// parameter's shape and dtype, RuntimeError if a parameter may not be written. Strided parameters
// and states work, through a copy. The version counters of the parameters go up.
void update_(std::string_view rule, Tensors params, Tensors grads,
             std::span<const std::vector<Tensor>> states,
             std::span<const std::vector<double>> coefficients);

}  // namespace sf
