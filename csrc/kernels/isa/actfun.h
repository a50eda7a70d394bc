// Activations that their parts would round too often: here what rounding lost is kept beside the
// value, and added at the end. Forward errors: bench/python/accuracy.py (at most 2.5 ulp where the
// ISA has FMA).
#pragma once
#include "kernels/isa/mathfun.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

// The constants that make a layer of SELUs keep mean 0 and variance 1 (Klambauer et al. 2017).
constexpr double kSeluAlpha = 1.6732632423543772, kSeluScale = 1.0507009873554805;

// A number as the sum of two of type T.
template <class T>
struct Split {
  T high, low;
  constexpr explicit Split(long double value)
      : high(static_cast<T>(value)), low(static_cast<T>(value - high)) {}
};

// 1 + q of e^x = 2^k (1 + q), in two parts.
template <class T>
struct WideExp {
  Vec<T> high, low;
  decltype(ExpParts<T>::k) k;
};
template <class T>
SF_INLINE WideExp<T> wide_exp(Vec<T> x) {
  const ExpParts<T> parts = exp_parts(x);
  const Vec<T> high = parts.q + T(1);
  return {high, (Vec<T>(T(1)) - high) + parts.q, parts.k};
}

template <class T>
SF_INLINE Vec<T> selu_below_zero(Vec<T> x) {
  constexpr Split<T> kFactor(1.0507009873554804934L * 1.6732632423543772848L);
  const Vec<T> m = expm1(x);
  return fma(m, Vec<T>(kFactor.high), m * kFactor.low);
}

// The share of a standard normal below x, to some 5 ulp.
template <class T>
SF_INLINE Vec<T> normal_cdf(Vec<T> x) {
  const Vec<T> size = min(abs(x), Vec<T>(T(Const<T>::kErfcMax * 1.4142135623730951)));
  const Vec<T> a = size * T(kSqrtHalf);
  const Vec<T> square = size * size;
  const Vec<T> e = exp(square * T(-0.5));
  const Vec<T> lost = fma(size, size, -square) * T(0.5);
  const Vec<T> tail = fma(-lost, e, e) * (erfcx_polynomial(a) / fma(a, Vec<T>(T(4)), Vec<T>(T(2))));
  const Vec<T> middle = fma(erf_small(x * T(kSqrtHalf)), Vec<T>(T(0.5)), Vec<T>(T(0.5)));
  const Vec<T> y = select(a < T(0.5), middle, select(x > T(0), Vec<T>(T(1)) - tail, tail));
  return select(x == x, y, x);
}

template <class T>
SF_INLINE Vec<T> normal_pdf(Vec<T> x) {
  return exp(x * x * T(-0.5)) * T(0.39894228040143268);
}

// x Phi(x); below -0.7 as x e^(-x^2 / 2) p / (2 (1 + 2 a)) with a = |x| / sqrt(2).
template <class T>
SF_INLINE Vec<T> gelu(Vec<T> x) {
  using V = Vec<T>;
  constexpr Split<T> kRoot(0.70710678118654752440L);
  const V limit = T(Const<T>::kErfcMax * 1.4142135623730951);
  const V size = min(abs(x), limit);
  const V a = size * kRoot.high, a_low = fma(size, V(kRoot.high), -a) + size * kRoot.low;
  const V square = size * size;
  const V square_low = fma(size, size, -square);
  const WideExp<T> e = wide_exp(square * T(-0.5));
  const V two_a = a + a, d = two_a + T(1), d_low = (two_a - (d - T(1))) + (a_low + a_low);
  const V shares = V(T(1)) / ((a + T(2)) * d);  // one division for both quotients
  const V p = polynomial((a - T(2)) * d * shares, Const<T>::kErfcx);
  const V product = e.high * p, m = product * ((a + T(2)) * shares);
  const V lost = fma(e.high, p, -product) + fma(-m, d, product);
  const V rough = fma(e.high, V(T(-0.83)), V(T(1.71)));  // 1 / product to a tenth
  const V correction = fma(fma(e.low, p, lost) - d_low * m, rough, square_low * T(-0.5));
  const V half = scale_exponent(V(T(0.5)), e.k);
  const V left = x * m;
  const V left_lost = fma(left, correction, fma(x, m, -left));
  const V right = V(T(1)) - fma(m, correction, m) * half;
  const V middle = fma(erf_small(x * T(kSqrtHalf)), V(T(0.5)), V(T(0.5)));
  const V y = select(x > T(0), x * right, select(-x < limit, (left + left_lost) * half, T(-0.0)));
  return select(x == x, select(a < T(0.5), x * middle, y), x);
}

// x/2 (1 + tanh(u / 2)) = x sigmoid(u), u = 2 sqrt(2/pi) (x + 0.044715 x^3) in two parts.
template <class T>
SF_INLINE Vec<T> gelu_tanh(Vec<T> x) {
  using V = Vec<T>;
  constexpr Split<T> kLine(1.5957691216057307117L), kCube(0.044715L * 1.5957691216057307117L);
  const V c = max(min(x, V(T(32))), V(T(-32)));
  const V square = c * c, square_low = fma(c, c, -square);
  const V cubic = square * kCube.high;
  const V cubic_low =
      fma(square, V(kCube.high), -cubic) + fma(square, V(kCube.low), square_low * kCube.high);
  const V slope = cubic + kLine.high, rest = slope - cubic;
  const V slope_low = (cubic - (slope - rest)) + (V(kLine.high) - rest) + (cubic_low + kLine.low);
  const V u = c * slope, u_low = fma(c, slope, -u) + c * slope_low;
  const V limit = -Const<T>::kExpMin;
  const WideExp<T> wide = wide_exp(min(max(-u, -limit), limit));
  const V scale = scale_exponent(V(T(1)), wide.k), high = wide.high * scale;
  const V e = high + fma(-u_low, high, wide.low * scale);
  return select(u < -limit, T(-0.0), x / (e + T(1)));
}
template <class T>
SF_INLINE Vec<T> gelu_tanh_slope(Vec<T> x) {
  const Vec<T> cubic = fma(x * x, Vec<T>(T(0.044715)), Vec<T>(T(1)));
  const Vec<T> s = sigmoid(x * cubic * T(2 * 0.79788456080286536));
  const Vec<T> inner_slope =
      fma(x * x, Vec<T>(T(3 * 0.044715)), Vec<T>(T(1))) * T(2 * 0.79788456080286536);
  return fma(x * (s * (Vec<T>(T(1)) - s)), inner_slope, s);
}

template <class T>
SF_INLINE Vec<T> silu_slope(Vec<T> x, Vec<T> s) {
  return s * fma(x, Vec<T>(T(1)) - s, Vec<T>(T(1)));
}

// x tanh(log(1 + e)) = x n / (n + 2), e = e^x, n = e (e + 2).
template <class T>
SF_INLINE Vec<T> mish(Vec<T> x) {
  using V = Vec<T>;
  const V low = Const<T>::kExpMin, high = T(40);
  const WideExp<T> wide = wide_exp(max(min(x, high), low));
  const V scale = scale_exponent(V(T(1)), wide.k);
  const V e = wide.high * scale, two_e = e + e;
  const V n = fma(e, e, two_e);
  const V n_low = fma(e, e, two_e - n) + wide.low * scale * (two_e + T(2));
  const V d = n + T(2), d_low = (n - d) + T(2), share = V(T(1)) / d;
  const V product = x * n, y = product / d;
  const V lost = fma(x, n, -product) + fma(-y, d, product);
  const V out = fma(fma((n_low + n_low) * x, share, lost - y * d_low), share, y);
  return select(x > high, x, select(x < low, T(-0.0), out));
}
// t = tanh(softplus(x))
template <class T>
SF_INLINE Vec<T> mish_slope(Vec<T> x, Vec<T> t) {
  return fma(x * sigmoid(x), (Vec<T>(T(1)) - t) * (t + T(1)), t);
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
