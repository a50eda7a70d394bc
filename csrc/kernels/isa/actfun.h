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

// GELU is x Phi(x), its derivative Phi(x) + x phi(x); Phi is the share of a standard normal below
// x, phi its density. With s = |x| up to 13, beyond which nothing is left: 1 - Phi(s) = scale (t +
// low) to some 2 ulp, low being what rounding took from t, and e^(-s^2 / 2) = scale bell.
struct NormalTail {
  Vec<float> size, t, low, bell, scale;
  Vec<float>::Mask inside;  // |x| is below 13
};
SF_INLINE NormalTail normal_tail(Vec<float> x) {
  using V = Vec<float>;
  constexpr float kLimit = 13.01f, kPole = 1.5f;
  // (1 - Phi(s)) e^(s^2 / 2) (s + 1.5) in (s - 1.5) / (s + 1.5)
  constexpr float kTail[] = {0.6173420024f,    -0.1950994737f,  -0.05749561277f,  0.01789643544f,
                             0.0176416562f,    0.003988632695f, -0.002437825604f, -0.002711332735f,
                             -0.001037919525f, 0.000250475123f, 0.0004645101421f, 0.0001520781454f};
  const auto inside = abs(x) < kLimit;
  const V s = select(inside, abs(x), kLimit), square = s * s, square_low = fma(s, s, -square);
  const ExpParts<float> e =
      exp_parts(square * -0.5f, [&](V r) SF_INLINE_LAMBDA { return fma(square_low, V(-0.5f), r); });
  const V d = s + kPole, d_low = (V(kPole) - d) + s, share = V(1.f) / d;
  const V p = polynomial((s - kPole) * share, kTail);
  const V top = fma(p, e.q, p), top_low = fma(p, e.q, p - top);
  const V t = top * share, low = share * fma(-t, d_low, fma(-t, d, top) + top_low);
  return {s, t, low, e.q + 1.f, scale_exponent(V(1.f), e.k), inside};
}

SF_INLINE Vec<float> gelu(Vec<float> x) {
  const NormalTail n = normal_tail(x);
  const Vec<float> product = n.size * n.t, lost = fma(n.size, n.t, -product);
  const Vec<float> cut = (product + fma(n.size, n.low, lost)) * n.scale;
  const Vec<float> above = select(n.inside, cut, 0.f);  // s (1 - Phi(s))
  return select(x < 0.f, -above, x - above);
}
SF_INLINE Vec<float> gelu_slope(Vec<float> x) {
  const NormalTail n = normal_tail(x);
  const Vec<float> tail = n.t * n.scale;
  const Vec<float> rise = select(n.inside, n.size * n.bell * n.scale * 0.39894228f, 0.f);
  const Vec<float> y = select(x > 0.f, (Vec<float>(1.f) - tail) + rise, tail - rise);
  return select(x == x, y, x);
}

// Phi to some 5 ulp.
SF_INLINE Vec<double> normal_cdf(Vec<double> x) {
  const Vec<double> size = min(abs(x), Vec<double>(Const<double>::kErfcMax * 1.4142135623730951));
  const Vec<double> a = size * kSqrtHalf;
  const Vec<double> square = size * size;
  const Vec<double> e = exp(square * -0.5);
  const Vec<double> lost = fma(size, size, -square) * 0.5;
  const Vec<double> tail =
      fma(-lost, e, e) * (erfcx_polynomial(a) / fma(a, Vec<double>(4.0), Vec<double>(2.0)));
  const Vec<double> middle = fma(erf_small(x * kSqrtHalf), Vec<double>(0.5), Vec<double>(0.5));
  const Vec<double> y = select(a < 0.5, middle, select(x > 0.0, Vec<double>(1.0) - tail, tail));
  return select(x == x, y, x);
}

SF_INLINE Vec<double> normal_pdf(Vec<double> x) { return exp(x * x * -0.5) * 0.39894228040143268; }

SF_INLINE Vec<double> gelu_slope(Vec<double> x) { return fma(x, normal_pdf(x), normal_cdf(x)); }

// x Phi(x); below -0.7 as x e^(-x^2 / 2) p / (2 (1 + 2 a)) with a = |x| / sqrt(2).
SF_INLINE Vec<double> gelu(Vec<double> x) {
  using V = Vec<double>;
  constexpr Split<double> kRoot(0.70710678118654752440L);
  const V limit = Const<double>::kErfcMax * 1.4142135623730951;
  const V size = min(abs(x), limit);
  const V a = size * kRoot.high, a_low = fma(size, V(kRoot.high), -a) + size * kRoot.low;
  const V square = size * size;
  const V square_low = fma(size, size, -square);
  const WideExp<double> e = wide_exp(square * -0.5);
  const V two_a = a + a, d = two_a + 1.0, d_low = (two_a - (d - 1.0)) + (a_low + a_low);
  const V shares = V(1.0) / ((a + 2.0) * d);  // one division for both quotients
  const V p = polynomial((a - 2.0) * d * shares, Const<double>::kErfcx);
  const V product = e.high * p, m = product * ((a + 2.0) * shares);
  const V lost = fma(e.high, p, -product) + fma(-m, d, product);
  const V rough = fma(e.high, V(-0.83), V(1.71));  // 1 / product to a tenth
  const V correction = fma(fma(e.low, p, lost) - d_low * m, rough, square_low * -0.5);
  const V half = scale_exponent(V(0.5), e.k);
  const V left = x * m;
  const V left_lost = fma(left, correction, fma(x, m, -left));
  const V right = V(1.0) - fma(m, correction, m) * half;
  const V middle = fma(erf_small(x * kSqrtHalf), V(0.5), V(0.5));
  const V y = select(x > 0.0, x * right, select(-x < limit, (left + left_lost) * half, -0.0));
  return select(x == x, select(a < 0.5, x * middle, y), x);
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
