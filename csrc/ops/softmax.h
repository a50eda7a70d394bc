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

// Softmax along the last dimension over what a mask leaves; zeros where it leaves nothing. The mask
// broadcasts to x: bool, true stays, or floating, added, with -inf for what goes.
Tensor masked_softmax(const Tensor& x, const Tensor& mask);
// The same where row i of (..., rows, columns) is left columns 0 to i.
Tensor causal_softmax(const Tensor& x);

}  // namespace sf
