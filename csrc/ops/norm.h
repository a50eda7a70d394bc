// Normalisation: x minus its mean, divided by its standard deviation, then scaled and shifted. The
// norms differ in what a mean is taken over.
#pragma once
#include <optional>

#include "tensor/tensor.h"

namespace sf {

// What is learned: weight and bias, either may be undefined.
struct Affine {
  Tensor weight, bias;
};

// What inference uses in place of the input's own statistics, (C,) each; both or none. Training
// moves them: running = (1 - momentum) running + momentum now, the variance now divided by
// count - 1.
struct Running {
  Tensor mean, var;
  double momentum = 0.1;
  Tensor batches{};  // or undefined; how many were seen, this one included: momentum is 1 / batches
};

// Over the trailing dimensions `normalized`; weight and bias of that shape.
Tensor layer_norm(const Tensor& x, const Shape& normalized, const Affine& affine, double eps);
// x / sqrt(mean(x^2) + eps): as layer_norm without a mean. eps: by default that of the dtype.
Tensor rms_norm(const Tensor& x, const Shape& normalized, const Tensor& weight,
                std::optional<double> eps);
// x (N, C, ...), over the channels of a group and what follows; weight and bias (C,).
Tensor group_norm(const Tensor& x, int64_t groups, const Affine& affine, double eps);
// x (N, C, ...), over what follows the channel of a sample; with the running statistics instead
// unless `use_input`.
Tensor instance_norm(const Tensor& x, const Running& running, const Affine& affine, bool use_input,
                     double eps);
// x (N, C, ...), over all but the channel; with the running statistics instead unless training.
Tensor batch_norm(const Tensor& x, const Running& running, const Affine& affine, bool training,
                  double eps);

}  // namespace sf
