// The windows of an image as columns, and columns added up to an image; the gradient of each is
// the other.
#pragma once
#include "tensor/tensor.h"

namespace sf {

// Each one number, or a pair.
struct Blocks {
  Shape kernel, dilation, padding, stride;
};

// (N, C, H, W) as (N, C kernel H kernel W, windows), zeros for padding; also without N.
Tensor unfold(const Tensor& x, const Blocks& blocks);
// (N, C kernel H kernel W, windows) added up to (N, C, output size); also without N.
Tensor fold(const Tensor& x, const Shape& output_size, const Blocks& blocks);

}  // namespace sf
