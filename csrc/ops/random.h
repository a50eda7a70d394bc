// Random tensors. Number i of a draw depends on the generator's seed, the draw and i only.
#pragma once
#include <optional>

#include "base/rng.h"
#include "tensor/tensor.h"

namespace sf {

Tensor rand(const Shape& shape, Dtype dtype, Generator& generator);   // uniform in [0, 1)
Tensor randn(const Shape& shape, Dtype dtype, Generator& generator);  // standard normal
// Integers in [low, high).
Tensor randint(int64_t low, int64_t high, const Shape& shape, Dtype dtype, Generator& generator);
Tensor randperm(int64_t n, Dtype dtype, Generator& generator);

// 1 with probability p, else 0, in the dtype of p.
Tensor bernoulli(const Tensor& p, Generator& generator);
// Indices of classes drawn by their weights: (C,) -> (n,), (rows, C) -> (rows, n).
Tensor multinomial(const Tensor& weights, int64_t n, bool replacement, Generator& generator);
// Sets elements to 0 with probability p and scales the others by 1 / (1 - p); x itself if not
// training. The mask is not kept: backward draws it again.
Tensor dropout(const Tensor& x, double p, bool training, Generator& generator);

Tensor uniform_(Tensor self, double low, double high, Generator& generator);
Tensor normal_(Tensor self, double mean, double std, Generator& generator);
Tensor bernoulli_(Tensor self, double p, Generator& generator);

}  // namespace sf
