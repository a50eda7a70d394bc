// What rows of unary.def and binary.def use besides the mathematical functions.
#pragma once
#include "kernels/isa/trigfun.h"

#define SF_INLINE_LAMBDA __attribute__((always_inline))

namespace sf::SF_ISA_NAMESPACE {
namespace {

// The constants that make a layer of SELUs keep mean 0 and variance 1 (Klambauer et al. 2017).
constexpr double kSeluAlpha = 1.6732632423543772, kSeluScale = 1.0507009873554805;

template <class T>
SF_INLINE Vec<T> sign(Vec<T> x) {
  return select(x > T(0), Vec<T>(T(1)), select(x < T(0), Vec<T>(T(-1)), x));
}

template <class T>
SF_INLINE Vec<T> hypot(Vec<T> a, Vec<T> b) {
  const Vec<T> big = max_nan(abs(a), abs(b)), small = min_nan(abs(a), abs(b));
  const Vec<T> ratio = small / select(big > T(0), big, Vec<T>(T(1)));
  const Vec<T> y = big * sqrt(fma(ratio, ratio, Vec<T>(T(1))));
  return select((abs(a) == Const<T>::kInf) | (abs(b) == Const<T>::kInf), Const<T>::kInf, y);
}

// gelu_tanh(x) = x/2 (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3).
template <class T>
SF_INLINE Vec<T> gelu_inner(Vec<T> x) {
  const Vec<T> cubic = fma(x * x, Vec<T>(T(0.044715)), Vec<T>(T(1)));
  return x * cubic * T(2 * 0.79788456080286536);
}
template <class T>
SF_INLINE Vec<T> gelu_tanh_slope(Vec<T> x) {
  const Vec<T> s = sigmoid(gelu_inner(x));
  const Vec<T> inner_slope =
      fma(x * x, Vec<T>(T(3 * 0.044715)), Vec<T>(T(1))) * T(2 * 0.79788456080286536);
  return fma(x * (s * (Vec<T>(T(1)) - s)), inner_slope, s);
}

template <class T>
SF_INLINE Vec<T> silu_slope(Vec<T> x, Vec<T> s) {
  return s * fma(x, Vec<T>(T(1)) - s, Vec<T>(T(1)));
}

// t = tanh(softplus(x))
template <class T>
SF_INLINE Vec<T> mish_slope(Vec<T> x, Vec<T> t) {
  return fma(x * sigmoid(x), (Vec<T>(T(1)) - t) * (t + T(1)), t);
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
