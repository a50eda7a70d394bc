// Activations that are more than a row of unary.def.
#pragma once
#include "base/rng.h"
#include "tensor/tensor.h"

namespace sf {

// x above zero, weight * x below; weight is one number, or one per channel (dim 1).
Tensor prelu(const Tensor& x, const Tensor& weight);
// x above zero, slope * x below: the slope of each element drawn from [lower, upper) in training,
// the mean of the two otherwise.
Tensor rrelu(const Tensor& x, double lower, double upper, bool training, Generator& generator);
// a * sigmoid(b), a and b the halves of x along dim.
Tensor glu(const Tensor& x, int64_t dim);
// The largest of every k neighbours along dim: (..., m k, ...) -> (..., m, ...).
Tensor maxout(const Tensor& x, int64_t k, int64_t dim);

}  // namespace sf
