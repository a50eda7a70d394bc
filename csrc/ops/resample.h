// Separable linear maps over the last one or two dimensions: resizing, and what else is made of
// them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kernels/resample.h"
#include "tensor/tensor.h"

namespace sf {

// The map of each plane of x; the result has the shape `out`. Differentiable any number of times.
Tensor resample(const char* op, const Tensor& x, const Resample& plan, const Shape& out);

}  // namespace sf
