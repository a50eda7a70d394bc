// What clipping gradients by their norm is made of. No history.
#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace sf {

// The p-norm, p > 0, of all tensors as one vector: 0-d, of their widest dtype; of none, 0.
Tensor total_norm(const std::vector<Tensor>& tensors, double p);

// min(1, max_norm / (norm + 1e-6)), by which the gradients are multiplied; NaN of NaN.
Tensor clip_factor(const Tensor& norm, double max_norm);

}  // namespace sf
