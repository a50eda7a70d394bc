// exp, log and what is made of them, for Vec<float> and Vec<double>. Branch-free, the same
// operations per lane in every ISA. Largest errors: tests/cpp/test_math.cpp (f32 <= 2.5 ulp).
// Denormal results are zero, denormal arguments count as zero. Coefficients:
// tools/fit_polynomials.py.
#pragma once
#include "kernels/isa/vec.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
struct Const;
template <>
struct Const<float> {
  using Word = uint32_t;
  static constexpr int kMantissa = 23;
  static constexpr int32_t kBias = 127;
  static constexpr float kRound = 0x1.8p23f;  // x + kRound - kRound is x rounded, |x| < 2^22
  static constexpr float kInf = __builtin_inff(), kNan = __builtin_nanf("");
  // ln 2 and lg 2 in two parts; k * (the first) is exact for every exponent k.
  static constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;
  static constexpr float kLog10Of2High = 0x1.344p-2f, kLog10Of2Low = 0x1.3509f8p-18f;
  static constexpr float kExpMax = 88.7228317f, kExpMin = -87.3365402f;
  static constexpr float kExpm1Min = -20, kExpm1Big = 30;
  static constexpr float kTanhMax = 10, kErfcMax = 9.2f;
  static constexpr int32_t kSqrtHalf = 0x3f3504f3;  // bits of sqrt(1/2)
  static constexpr float kExp[] = {0.5000000095f, 0.1666651884f, 0.04166620589f, 0.008368889173f,
                                   0.00139504853f};
  static constexpr float kLog[] = {0.6666677672f, 0.3997749562f, 0.2987307222f};
  static constexpr float kErf[] = {0.1283791659f,   -0.3761262714f,  0.1128360018f,
                                   -0.02685444486f, 0.005189535819f, -0.0008020845283f,
                                   7.88913209e-5f};
  static constexpr float kErfcx[] = {1.27697838f,       -0.09276381213f, -0.166030171f,
                                     0.1640506465f,     -0.0542242317f,  -0.008025485653f,
                                     0.008750049002f,   0.001221263138f, -0.001528346898f,
                                     -0.0003183179745f, 0.0002690870307f};
};
template <>
struct Const<double> {
  using Word = uint64_t;
  static constexpr int kMantissa = 52;
  static constexpr int64_t kBias = 1023;
  static constexpr double kRound = 0x1.8p52;
  static constexpr double kInf = __builtin_inf(), kNan = __builtin_nan("");
  static constexpr double kLn2High = 0x1.62e42fefa38p-1, kLn2Low = 0x1.ef35793c7673p-45;
  static constexpr double kLog10Of2High = 0x1.34413509f78p-2, kLog10Of2Low = 0x1.fef311f12b358p-46;
  static constexpr double kExpMax = 709.782712893384, kExpMin = -708.3964185322641;
  static constexpr double kExpm1Min = -40, kExpm1Big = 60;
  static constexpr double kTanhMax = 22, kErfcMax = 26.5;
  static constexpr int64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  static constexpr double kExp[] = {0.5,
                                    0.166666666666666838,
                                    0.0416666666666667243,
                                    0.0083333333333167382,
                                    0.00138888888888585365,
                                    0.000198412698970600914,
                                    0.0000248015873735755697,
                                    2.75572342356018702e-6,
                                    2.75572334886770694e-7,
                                    2.51122402616016212e-8,
                                    2.09269061812958673e-9};
  static constexpr double kLog[] = {
      0.666666666666673489, 0.399999999994111077, 0.285714287432604218, 0.222221984761320206,
      0.181835697354421481, 0.153139032978326583, 0.147975076585657128};
  static constexpr double kErf[] = {
      0.128379167095512574,    -0.376126389031837482,     0.112837916709548845,
      -0.0268661706450778746,  0.00522397762482843167,    -0.000854832698142588383,
      0.000120553311329767542, -0.0000149255957728545539, 1.64610084909525779e-6,
      -1.63503963839115114e-7, 1.46603299342431891e-8,    -1.13749608592122442e-9,
      5.96069466877961372e-11};
  static constexpr double kErfcx[] = {
      1.27697838155252872,      -0.092763826585746028,     -0.166030397615287989,
      0.164051280033445796,     -0.0542200009921616865,    -0.0080340150825942618,
      0.00872265388008510391,   0.00127133896884674341,    -0.00145681402640371202,
      -0.000454340843862429298, 0.000206368058418755844,   0.0001510389652695986,
      -1.51550877760150387e-6,  -0.0000364199103683468237, -0.0000134685883885065524,
      3.68809105397541654e-6,   5.1578862841505311e-6,     1.58715769869703218e-6,
      -5.89605931132852737e-7,  -1.01389146911507286e-6,   -3.42523641107026231e-7,
      3.52996510517358205e-7,   1.57559636467818312e-7,    -9.28798612249881561e-8};
};

constexpr double kLog2E = 1.4426950408889634, kLog10E = 0.43429448190325183;
constexpr double kSqrtHalf = 0.70710678118654752;

// c[0] + c[1] x + ... by Horner's rule.
template <int i = 0, class T, int n>
SF_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[n]) {
  if constexpr (i == n - 1) {
    return Vec<T>(c[i]);
  } else {
    return fma(polynomial<i + 1>(x, c), x, Vec<T>(c[i]));
  }
}

// e^x = 2^k (1 + q) with |q| < 0.42.
template <class T>
struct ExpParts {
  typename Vec<T>::Words k;  // in two's complement, in as many low bits as an exponent has
  Vec<T> q;
};
// adjust(r) is what becomes of x - k log(2): r, or with what rounding took from x.
template <class T, class F>
SF_INLINE ExpParts<T> exp_parts(Vec<T> x, const F& adjust) {
  using C = Const<T>;
  const Vec<T> shifted = fma(x, Vec<T>(T(kLog2E)), Vec<T>(C::kRound));
  const Vec<T> k = shifted - Vec<T>(C::kRound);
  Vec<T> r = fma(k, Vec<T>(-C::kLn2High), x);
  r = adjust(fma(k, Vec<T>(-C::kLn2Low), r));
  return {shifted.words(), fma(r * r, polynomial(r, C::kExp), r)};
}
template <class T>
SF_INLINE ExpParts<T> exp_parts(Vec<T> x) {
  return exp_parts(x, [](Vec<T> r) SF_INLINE_LAMBDA { return r; });
}

// x * 2^k for normal x and results; adds to the exponent, for which only the low bits of k count.
template <class T>
SF_INLINE Vec<T> scale_exponent(Vec<T> x, typename Vec<T>::Words k) {
  return Vec<T>::from_bits(x.words() + (k << Const<T>::kMantissa));
}

template <class T>
SF_INLINE Vec<T> exp(Vec<T> x) {
  using C = Const<T>;
  const ExpParts<T> parts = exp_parts(x);
  Vec<T> y = scale_exponent(parts.q + T(1), parts.k);
  y = select(x > C::kExpMax, C::kInf, y);
  y = select(x < C::kExpMin, T(0), y);
  return select(x == x, y, x);
}

// For kExpm1Min <= x <= kExpm1Big.
template <class T>
SF_INLINE Vec<T> expm1_inside(ExpParts<T> parts) {
  const Vec<T> scale = scale_exponent(Vec<T>(T(1)), parts.k);
  return fma(scale, parts.q, scale - T(1));
}
template <class T>
SF_INLINE Vec<T> expm1(Vec<T> x) {
  using C = Const<T>;
  const ExpParts<T> parts = exp_parts(max(x, Vec<T>(C::kExpm1Min)));
  Vec<T> y = expm1_inside(parts);
  y = select(x > C::kExpm1Big, scale_exponent(parts.q + T(1), parts.k), y);
  y = select(x > C::kExpMax, C::kInf, y);
  return select((x == x) & (x != T(0)), y, x);
}

// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for normal x > 0.
template <class T>
struct LogParts {
  Vec<T> e, f;
};
template <class T>
SF_INLINE LogParts<T> log_parts(Vec<T> x) {
  using C = Const<T>;
  using Words = typename Vec<T>::Words;
  const typename C::Word one = static_cast<typename C::Word>(C::kBias) << C::kMantissa;
  const Words biased = (x.words() + (one - C::kSqrtHalf)) >> C::kMantissa;
  const Vec<T> magic = T(typename C::Word(1) << C::kMantissa);
  const Vec<T> e = Vec<T>::from_bits(biased | magic.words()) - (magic + T(C::kBias));
  const Words mantissa = x.words() - (biased << C::kMantissa) + one;
  return {e, Vec<T>::from_bits(mantissa) - T(1)};
}

// log(1 + f) = 2 atanh(s), s = f / (2 + f), as f minus the result.
template <class T>
SF_INLINE Vec<T> log_shortfall(Vec<T> f) {
  const Vec<T> s = f / (f + T(2));
  const Vec<T> z = s * s;
  return s * (f - z * polynomial(z, Const<T>::kLog));
}

// y where x is positive and finite, else what every logarithm gives at x.
template <class T>
SF_INLINE Vec<T> log_edges(Vec<T> x, Vec<T> y) {
  using C = Const<T>;
  y = select(x > T(0), y, select(x == T(0), Vec<T>(-C::kInf), Vec<T>(C::kNan)));
  return select((x == C::kInf) | (x != x), x, y);
}

template <class T>
SF_INLINE Vec<T> log_of(LogParts<T> p, Vec<T> correction) {
  using C = Const<T>;
  const Vec<T> low = fma(p.e, Vec<T>(C::kLn2Low), correction) - log_shortfall(p.f);
  return fma(p.e, Vec<T>(C::kLn2High), p.f + low);
}

template <class T>
SF_INLINE Vec<T> log(Vec<T> x) {
  return log_edges(x, log_of(log_parts(x), Vec<T>(T(0))));
}

template <class T>
SF_INLINE Vec<T> log2(Vec<T> x) {
  const LogParts<T> p = log_parts(x);
  return log_edges(x, fma(p.f - log_shortfall(p.f), Vec<T>(T(kLog2E)), p.e));
}

template <class T>
SF_INLINE Vec<T> log10(Vec<T> x) {
  using C = Const<T>;
  const LogParts<T> p = log_parts(x);
  const Vec<T> mantissa = (p.f - log_shortfall(p.f)) * T(kLog10E);
  const Vec<T> low = fma(p.e, Vec<T>(C::kLog10Of2Low), mantissa);
  return log_edges(x, fma(p.e, Vec<T>(C::kLog10Of2High), low));
}

// log(u) + (what rounding took from u = 1 + x) / u.
template <class T>
SF_INLINE Vec<T> log1p(Vec<T> x) {
  const Vec<T> u = x + T(1);
  const Vec<T> lost = select(x > T(1), Vec<T>(T(1)) - (u - x), x - (u - T(1)));
  const Vec<T> y = log_edges(u, log_of(log_parts(u), lost / u));
  return select((x == T(0)) | (x == Const<T>::kInf), x, y);
}

template <class T>
SF_INLINE Vec<T> tanh(Vec<T> x) {
  const Vec<T> a = min(Vec<T>(Const<T>::kTanhMax), abs(x));  // NaN stays
  const Vec<T> m = expm1_inside(exp_parts(a + a)), d = m + T(2);
  Vec<T> y;
  if constexpr (sizeof(T) == 4) {
    y = m / d;
  } else {  // rounding d and the quotient would take it beyond 2.5 ulp
    const Vec<T> share = Vec<T>(T(1)) / d, d_low = (m - d) + T(2);
    y = m * share;
    y = fma(fma(-y, d, m) - y * d_low, share, y);
  }
  return copysign(y, x);
}

template <class T>
SF_INLINE Vec<T> sigmoid(Vec<T> x) {
  return Vec<T>(T(1)) / (exp(-x) + T(1));
}

// log(1 + e^x) without overflow.
template <class T>
SF_INLINE Vec<T> softplus(Vec<T> x) {
  return max_nan(x, Vec<T>(T(0))) + log1p(exp(-abs(x)));
}

// erfc(a) = e^(-a^2) p / (1 + 2 a) with p this polynomial, for a >= 0.45.
template <class T>
SF_INLINE Vec<T> erfcx_polynomial(Vec<T> a) {
  return polynomial((a - T(2)) / (a + T(2)), Const<T>::kErfcx);
}

// erf(x) for |x| < 1.
template <class T>
SF_INLINE Vec<T> erf_small(Vec<T> x) {
  return fma(x, polynomial(min(x * x, Vec<T>(T(1))), Const<T>::kErf), x);
}

// erf below 1 directly, above through erfc: e^(-a^2) with the part of a^2 that rounding lost, so
// that the tail keeps its relative accuracy (where the ISA has FMA).
template <class T>
SF_INLINE Vec<T> erf(Vec<T> x) {
  const Vec<T> a = min(abs(x), Vec<T>(Const<T>::kErfcMax));
  const Vec<T> z = a * a;
  const Vec<T> tail = exp(-z) * (erfcx_polynomial(a) / (a + a + T(1)));
  const Vec<T> erfc = fma(-fma(a, a, -z), tail, tail);
  const Vec<T> y = select(a < T(1), erf_small(x), copysign(Vec<T>(T(1)) - erfc, x));
  return select(x == x, y, x);
}

template <class T>
SF_INLINE Vec<T> rsqrt(Vec<T> x) {
  return Vec<T>(T(1)) / sqrt(x);
}

// e^(y log|x|), the logarithm in two parts so that a large y does not magnify its rounding.
SF_INLINE Vec<double> pow_magnitude(Vec<double> x, Vec<double> y) {
  using V = Vec<double>;
  using C = Const<double>;
  const LogParts<double> p = log_parts(abs(x));
  const V d = p.f + 2.0;
  const V d_low = p.f - (d - 2.0);
  const V s = p.f / d;
  const V s_low = (fma(-s, d, p.f) - s * d_low) / d;
  const V z = s * s;
  const V rest = fma(s * z, polynomial(z, C::kLog), s_low + s_low);  // log(1+f) = 2s + rest
  const V head = fma(p.e, V(C::kLn2High), s + s);
  const V head_lost = fma(p.e, V(C::kLn2High), -head) + (s + s);
  const V low = fma(p.e, V(C::kLn2Low), rest) + head_lost;
  const V high = head + low;
  const V high_lost = (head - high) + low;
  const V product = y * high;
  V product_lost = fma(y, high, -product) + y * high_lost;
  product_lost = select(abs(product) < 1e4, product_lost, V(0.0));  // over- and underflow
  const V e = exp(product);
  const V out = select(e < C::kInf, fma(e, product_lost, e), e);
  const V at_edge = exp(y * log(abs(x)));
  return select((abs(x) > 0.0) & (abs(x) < C::kInf), out, at_edge);
}

SF_INLINE Vec<float> pow_magnitude(Vec<float> x, Vec<float> y) {
  constexpr int kHalf = Vec<double>::kWidth;
  float xs[2 * kHalf], ys[2 * kHalf];
  double xd[2 * kHalf], yd[2 * kHalf];
  abs(x).store(xs);
  y.store(ys);
  for (int i = 0; i < 2 * kHalf; ++i) xd[i] = xs[i], yd[i] = ys[i];
  for (int i = 0; i < 2 * kHalf; i += kHalf) {
    exp(Vec<double>::load(yd + i) * log(Vec<double>::load(xd + i))).store(xd + i);
  }
  for (int i = 0; i < 2 * kHalf; ++i) xs[i] = static_cast<float>(xd[i]);
  return Vec<float>::load(xs);
}

template <class T>
SF_INLINE Vec<T> pow(Vec<T> x, Vec<T> y) {
  using C = Const<T>;
  const Vec<T> size = pow_magnitude(x, y);
  const Vec<T> half = y * T(0.5);
  const auto whole = floor(y) == y;
  const auto odd = whole & (floor(half) != half);
  const auto negative = x.bits() < 0;
  Vec<T> out = select(negative & odd, -size, size);
  out = select((x < T(0)) & ~whole & (abs(x) < C::kInf), C::kNan, out);
  out = select((x != x) | (y != y), x + y, out);
  return select((y == T(0)) | (x == T(1)) | ((x == T(-1)) & (abs(y) == C::kInf)), T(1), out);
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
