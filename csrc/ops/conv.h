// Convolutions and transposed convolutions of signals (1) and images (2), torch's layouts.
#pragma once
#include "tensor/tensor.h"

namespace sf {

// One number stands for all dimensions.
struct ConvOptions {
  Shape stride{1};
  Shape padding{0};
  Shape dilation{1};
  int64_t groups = 1;
  bool same = false;        // padding that keeps the size, in place of `padding`
  Shape output_padding{0};  // transposed only
};

// x (N, C, *) or (C, *), weight (O, C / groups, *kernel), bias (O,) or undefined.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options);
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options);
// The gradient of a convolution's input as an op: weight (C, O / groups, *kernel).
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvOptions& options);
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvOptions& options);

}  // namespace sf
