// Padding of the last dimensions.
#pragma once
#include <string>

#include "tensor/tensor.h"

namespace sf {

// `pad` counts from the last dimension: (left, right, top, bottom, ...); negative numbers cut.
Tensor pad(const Tensor& x, const Shape& pad, double value);
// By what the tensor holds: 'reflect' (about the edge, which is not repeated), 'replicate' (the
// edge), 'circular' (the other end). One to three dimensions behind (C) or (N, C).
Tensor pad_by_mode(const Tensor& x, const Shape& pad, const std::string& mode);

}  // namespace sf
