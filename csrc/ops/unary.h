// Regular ops of one argument. Each is a row of kernels/unary.def (value and fused backward) and a
// row of the table in unary_table.cpp (dtypes, documentation, differentiable backward).
#pragma once
#include "kernels/elementwise.h"
#include "tensor/tensor.h"

namespace sf {

class Backward;

// What the table says of an op beyond its kernels.
struct UnaryInfo {
  enum class Integers {
    kToFloat,  // computed as float32
    kKeep,     // stays an integer
  };
  // dL/dx in public ops, from g = dL/dy, x or y (undefined if the kernel row does not need it).
  using Formula = Tensor (*)(const Tensor& g, const Tensor& x, const Tensor& y, const OpParams& p);
  Unary op;
  Integers integers;
  bool has_params;  // bound by hand: see bind_elementwise.cpp
  const char* doc;
  Formula formula;
};
const UnaryInfo& info(Unary op);

Tensor unary(Unary op, const Tensor& x, const OpParams& p = {});
// For the formula of an op whose output went through `op` last: the gradient before it. x and y are
// its argument and value, as far as needs_of(op) names them. Where `column_sums` is defined, (N,)
// for a gradient (M, N), it is filled with those of the result; b.graph() is then not allowed.
Tensor unary_gradient(const Backward& b, Unary op, const Tensor& x, const Tensor& y,
                      const OpParams& p, const Tensor& column_sums = {});
Tensor unary_(Unary op, Tensor self, const OpParams& p = {});

inline Tensor neg(const Tensor& x) { return unary(Unary::neg, x); }
inline Tensor abs(const Tensor& x) { return unary(Unary::abs, x); }
inline Tensor sign(const Tensor& x) { return unary(Unary::sign, x); }
inline Tensor square(const Tensor& x) { return unary(Unary::square, x); }
inline Tensor sqrt(const Tensor& x) { return unary(Unary::sqrt, x); }
inline Tensor rsqrt(const Tensor& x) { return unary(Unary::rsqrt, x); }
inline Tensor exp(const Tensor& x) { return unary(Unary::exp, x); }
inline Tensor log(const Tensor& x) { return unary(Unary::log, x); }
inline Tensor sin(const Tensor& x) { return unary(Unary::sin, x); }
inline Tensor cos(const Tensor& x) { return unary(Unary::cos, x); }
inline Tensor sinh(const Tensor& x) { return unary(Unary::sinh, x); }
inline Tensor cosh(const Tensor& x) { return unary(Unary::cosh, x); }
inline Tensor tanh(const Tensor& x) { return unary(Unary::tanh, x); }
inline Tensor sigmoid(const Tensor& x) { return unary(Unary::sigmoid, x); }
inline Tensor erf(const Tensor& x) { return unary(Unary::erf, x); }
inline Tensor relu(const Tensor& x) { return unary(Unary::relu, x); }
inline Tensor trunc(const Tensor& x) { return unary(Unary::trunc, x); }
inline Tensor floor(const Tensor& x) { return unary(Unary::floor, x); }

inline Tensor pow(const Tensor& x, double exponent) {
  return unary(Unary::pow_scalar, x, {exponent});
}
inline Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20) {
  return unary(Unary::softplus, x, {beta, threshold});
}
// max(low, min(x, high)); infinities stand for no bound. Floating x.
inline Tensor clamp(const Tensor& x, double low, double high) {
  return unary(Unary::clamp, x, {low, high});
}

// A 0-d tensor with the dtype of x.
Tensor number_like(const Tensor& x, double value);

}  // namespace sf
