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

// The dropout family (dropout.cpp). Masks of elements are not kept: backward draws them again.
enum class Scaling {
  kTrain,  // what is kept is divided by 1 - p in training; inference leaves x alone
  kEval,   // training only drops; inference multiplies by 1 - p
};
Tensor dropout(const Tensor& x, double p, bool training, Scaling scaling, Generator& generator);
// Drops whole channels x[n, c] of (N, C, ...).
Tensor feature_dropout(const Tensor& x, double p, bool training, Scaling scaling,
                       Generator& generator);
// Sets what is dropped to the value that SELU approaches on the left, then restores mean 0 and
// variance 1.
Tensor alpha_dropout(const Tensor& x, double p, bool training, Generator& generator);
Tensor feature_alpha_dropout(const Tensor& x, double p, bool training, Generator& generator);

Tensor uniform_(Tensor self, double low, double high, Generator& generator);
Tensor normal_(Tensor self, double mean, double std, Generator& generator);
Tensor bernoulli_(Tensor self, double p, Generator& generator);

}  // namespace sf
