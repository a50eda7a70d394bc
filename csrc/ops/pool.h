// Pooling over the last one or two dimensions of (N, C, L), (N, C, H, W), or the same without N.
#pragma once
#include <optional>

#include "tensor/tensor.h"

namespace sf {

// Each a number for every pooled dimension, or one for all.
struct Window {
  Shape kernel;
  std::optional<Shape> stride;  // the kernel's size if left out
  Shape padding{0}, dilation{1};
  bool ceil_mode = false;  // windows that begin inside the input or its left padding count too
};

struct Pooled {
  Tensor values, indices;
};

// The largest element of each window, padding counting as -inf. `dims` is 1 or 2. Indices (int64,
// in the flattened plane) only if asked for.
Pooled max_pool(int dims, const Tensor& x, const Window& window, bool with_indices);
Pooled adaptive_max_pool(int dims, const Tensor& x, const Shape& size, bool with_indices);

// The mean of each window. The divisor counts padding on request, or is `divisor`.
Tensor avg_pool(int dims, const Tensor& x, const Window& window, bool count_include_pad,
                std::optional<int64_t> divisor = {});
Tensor adaptive_avg_pool(int dims, const Tensor& x, const Shape& size);

}  // namespace sf
