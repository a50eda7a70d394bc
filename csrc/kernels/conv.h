// Convolutions of images: y = conv(x, w), and the two products that are its gradients. Each of the
// three is linear in both operands, so that the gradients of each are the other two.
//
//   y[n, o, i, j] = sum over c, u, v of w[o, c, u, v] x[n, c, i s + u d - p, j s + v d - p]
//
// with stride s, dilation d and zero padding p. The bits depend on shapes only, not on the number
// of threads, and are equal on AVX2 and AVX-512. NaN and infinity propagate.
#pragma once
#include <cstdint>

#include "base/array.h"

namespace sf {

// Pairs are (height, width).
struct ConvPlan {
  int64_t batch, groups;
  int64_t in, out;                             // channels of a group, of x and of y
  int64_t size[2], kernel[2], result[2];       // of x, of w, of y
  int64_t stride[2], padding[2], dilation[2];  // padding before the first row or column

  int64_t pixels() const { return result[0] * result[1]; }
  int64_t taps() const { return kernel[0] * kernel[1]; }
};

// All contiguous and of one floating dtype: x (batch, groups in, size), w (groups out, in, kernel),
// y and g (batch, groups out, result), bias one number per channel of what is written, or null.
void run_conv(const ConvPlan& plan, const Array& x, const Array& w, const Array& bias,
              const Array& y);
// dx = sum of g w over the y that an x goes into: the transposed convolution.
void run_conv_input_grad(const ConvPlan& plan, const Array& g, const Array& w, const Array& bias,
                         const Array& dx);
void run_conv_weight_grad(const ConvPlan& plan, const Array& x, const Array& g, const Array& dw);

}  // namespace sf
