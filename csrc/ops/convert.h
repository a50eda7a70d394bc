// Copies that keep the history: dtype changes, clones, contiguous forms.
#pragma once
#include "tensor/tensor.h"

namespace sf {

// x in another dtype; x itself where it already has it. Gradients are converted back.
Tensor to(const Tensor& x, Dtype dtype);
Tensor clone(const Tensor& x);
// x itself where its elements already lie in row-major order without gaps.
Tensor contiguous(const Tensor& x);
// self[...] = source, broadcast and cast.
Tensor copy_(Tensor self, const Tensor& source);

}  // namespace sf
