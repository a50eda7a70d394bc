// Sorting along a dimension. Values are differentiable, indices are int64.
#pragma once
#include "tensor/tensor.h"

namespace sf {

struct Sorted {
  Tensor values, indices;
};

// Stable; NaN counts as larger than every number.
Sorted sort(const Tensor& x, int64_t dim, bool descending);
// The first k of sort, descending if `largest`.
Sorted topk(const Tensor& x, int64_t k, int64_t dim, bool largest);

}  // namespace sf
