// Losses. They refuse what is almost surely a mistake: shapes that would broadcast, labels that are
// no integers or out of range.
#pragma once
#include <string>

#include "tensor/tensor.h"

namespace sf {

enum class Reduction { kNone, kMean, kSum };
Reduction reduction_of(const char* op, const std::string& name);

struct ClassLossOptions {
  Tensor weight;  // (C,), or undefined
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::kMean;
  double label_smoothing = 0;
};

// Scores x: (C,), (N, C) or (N, C, d...); target: labels of that shape without C, or probabilities
// of the shape of x. The mean is over the weights of the labels that are not ignored; it is 0 if
// all are.
Tensor cross_entropy(const Tensor& x, const Tensor& target, const ClassLossOptions& options);
// The same for log-probabilities, labels only.
Tensor nll_loss(const Tensor& x, const Tensor& target, const ClassLossOptions& options);

Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction);
Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction);

}  // namespace sf
