// Softmax and its logarithm along one dimension.
#pragma once
#include <optional>

#include "tensor/tensor.h"

namespace sf {

// exp(x - max) / sum(exp(x - max)); integers are computed as float32.
Tensor softmax(const Tensor& x, int64_t dim, std::optional<Dtype> dtype = {});
// softmax(-x).
Tensor softmin(const Tensor& x, int64_t dim, std::optional<Dtype> dtype = {});
// x - logsumexp(x), without a detour over softmax.
Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<Dtype> dtype = {});

}  // namespace sf
