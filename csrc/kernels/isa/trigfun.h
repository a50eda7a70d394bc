// sin, cos, tan and their inverses, sinh, cosh, for Vec<float> and Vec<double>. Arguments of every
// size are reduced exactly enough: up to kFast in the vector, beyond lane by lane with integers.
#pragma once
#include "kernels/isa/mathfun.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
struct Trig;
template <>
struct Trig<float> {
  // pi/2 in five parts; k * part is exact for the first four, |k| <= 2^16 (2^26 in f64).
  static constexpr float kHalfPi[] = {0x1.92p+0f, 0x1.fap-12f, 0x1.54p-20f, 0x1.1p-30f,
                                      0x1.68c234p-39f};
  static constexpr float kFast = 1e5f;
  static constexpr float kSin[] = {-0.1666665494f, 0.008332177684f, -0.0001951723437f};
  static constexpr float kCos[] = {0.04166664685f, -0.001388736692f, 2.443838022e-5f};
  static constexpr float kAtan[] = {-0.3333331542f, 0.1999848401f, -0.1424373885f, 0.1059513964f,
                                    -0.06081154671f};
  static constexpr float kHalfPiLow = -0x1.777a5cp-25f;
};
template <>
struct Trig<double> {
  static constexpr double kHalfPi[] = {0x1.921fb54p+0, 0x1.10b461p-30, 0x1.a62633p-58,
                                       0x1.45c06ep-86, 0x1.cd129024e088ap-115};
  static constexpr double kFast = 1e8;
  static constexpr double kSin[] = {-0.166666666666666666,   0.00833333333333332282,
                                    -0.00019841269841255122, 2.75573192142192789e-6,
                                    -2.50521049192595235e-8, 1.60583676239392839e-10,
                                    -7.57874817191743065e-13};
  static constexpr double kCos[] = {0.0416666666666666666,    -0.00138888888888888742,
                                    0.0000248015873015715235, -2.75573192153876006e-7,
                                    2.08767543687906132e-9,   -1.14702935630403213e-11,
                                    4.73812234882062449e-14};
  static constexpr double kAtan[] = {
      -0.333333333333333331,  0.199999999999998849,  -0.142857142856955584,  0.111111111095743761,
      -0.0909090901641763953, 0.0769230536700570486, -0.0666661748135973799, 0.0588162674646523341,
      -0.0525556487643015296, 0.0470559392166389473, -0.0405503007619254671, 0.0296091841640780281,
      -0.012977345057579162};
  static constexpr double kHalfPiLow = 0x1.1a62633145c07p-54;
};

constexpr double kPi = 3.14159265358979323846, kHalfPi = 1.57079632679489661923;

// 64 zero bits, then the binary digits of 2/pi.
constexpr uint64_t kTwoOverPi[] = {0,
                                   0xa2f9836e4e441529,
                                   0xfc2757d1f534ddc0,
                                   0xdb6295993c439041,
                                   0xfe5163abdebbc561,
                                   0xb7246e3a424dd2e0,
                                   0x06492eea09d1921c,
                                   0xfe1deb1cb129a73e,
                                   0xe88235f52ebb4484,
                                   0xe99c7026b45f7e41,
                                   0x3991d639835339f4,
                                   0x9c845f8bbdf9283b,
                                   0x1ff897ffde05980f,
                                   0xef2f118b5a0a6d1f,
                                   0x6d367ecf27cb09b7,
                                   0x4f463f669e5fea2d,
                                   0x7527bac7ebe5f17b,
                                   0x3d0739f78a5292ea,
                                   0x6bfb5fb11f8d5d08,
                                   0x56033046fc7b6bab,
                                   0xf0cfbc209af4361d};

// x = (quadrant + r) * pi/2 for 2^26 < |x| < infinity: x is m * 2^e with a whole m; digits of 2/pi
// whose product with it is a multiple of 4 are left out, 192 that matter are kept.
SF_INLINE double reduce_huge(double x, int64_t* quadrant) {
  __extension__ typedef unsigned __int128 Wide;
  uint64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const int64_t e = static_cast<int64_t>((bits >> 52) & 0x7ff) - 1075;
  const uint64_t m = (bits & ((uint64_t(1) << 52) - 1)) | (uint64_t(1) << 52);
  const int64_t start = e + 62;
  const uint64_t* words = kTwoOverPi + start / 64;
  const int64_t shift = start % 64;
  uint64_t w[3];
  for (int i = 0; i < 3; ++i) {
    w[i] = shift ? (words[i] << shift) | (words[i + 1] >> (64 - shift)) : words[i];
  }
  const Wide low = Wide(m) * w[2];
  const Wide middle = Wide(m) * w[1] + uint64_t(low >> 64);
  const uint64_t top = m * w[0] + uint64_t(middle >> 64);
  uint64_t q = top >> 62;
  Wide fraction = ((Wide(top) << 64) | uint64_t(middle)) << 2 | (uint64_t(low) >> 62);
  const bool up = (fraction >> 127) != 0;  // more than half: the next quadrant, from above
  if (up) fraction = -fraction, ++q;
  const double size =
      double(uint64_t(fraction >> 64)) * 0x1p-64 + double(uint64_t(fraction)) * 0x1p-128;
  const bool negative = (bits >> 63) != 0;
  *quadrant = static_cast<int64_t>(negative ? -q : q);
  return (up != negative ? -size : size) * kHalfPi;
}

// x = k pi/2 + r + low with |r| <= pi/4.
template <class T>
struct Quadrant {
  typename Vec<T>::Words k;
  Vec<T> r, low;
};
template <class T>
__attribute__((noinline, cold)) void reduce_lanes(const T* x, typename Vec<T>::Lane* k, T* r,
                                                  T* low) {
  for (int i = 0; i < Vec<T>::kWidth; ++i) {
    const T a = x[i] < 0 ? -x[i] : x[i];
    if (!(a > Trig<T>::kFast && a < Const<T>::kInf)) continue;
    int64_t quadrant;
    const double exact = reduce_huge(static_cast<double>(x[i]), &quadrant);
    r[i] = static_cast<T>(exact);
    low[i] = static_cast<T>(exact - static_cast<double>(r[i]));
    k[i] = static_cast<typename Vec<T>::Lane>(quadrant);
  }
}
template <class T>
__attribute__((noinline, cold)) Quadrant<T> reduce_far(Vec<T> x, Quadrant<T> near) {
  using V = Vec<T>;
  T xs[V::kWidth], rs[V::kWidth], lows[V::kWidth];
  typename V::Lane ks[V::kWidth];
  x.store(xs);
  near.r.store(rs);
  near.low.store(lows);
  __builtin_memcpy(ks, &near.k, sizeof ks);
  reduce_lanes(xs, ks, rs, lows);
  __builtin_memcpy(&near.k, ks, sizeof ks);
  near.r = select(abs(x) < Const<T>::kInf, V::load(rs), Const<T>::kNan);
  near.low = V::load(lows);
  return near;
}
template <class T>
SF_INLINE Quadrant<T> reduce_quadrant(Vec<T> x) {
  using V = Vec<T>;
  using C = Const<T>;
  constexpr auto& kPart = Trig<T>::kHalfPi;
  const V shifted = fma(x, V(T(2 / kPi)), V(C::kRound));
  const V k = shifted - V(C::kRound);
  V r = fma(k, V(-kPart[0]), x);
  r = fma(k, V(-kPart[1]), r);
  r = fma(k, V(-kPart[2]), r);
  const V head = fma(k, V(-kPart[3]), r);  // the first that rounds
  const V rest = fma(k, V(-kPart[4]), fma(k, V(-kPart[3]), r - head));
  r = head + rest;
  const Quadrant<T> out{shifted.words() - V(C::kRound).words(), r, rest - (r - head)};
  if (__builtin_expect(any(abs(x) > V(Trig<T>::kFast)), 0)) return reduce_far(x, out);
  return out;
}

// A value and what rounding took from it.
template <class T>
struct Rounded {
  Vec<T> value, lost;
  SF_INLINE Rounded(Vec<T> large, Vec<T> small)
      : value(large + small), lost((large - value) + small) {}
};
template <class T>
SF_INLINE Rounded<T> sin_small(Quadrant<T> q) {
  const Vec<T> z = q.r * q.r;
  return {q.r, fma(q.r * z, polynomial(z, Trig<T>::kSin), q.low)};
}
template <class T>
SF_INLINE Rounded<T> cos_small(Quadrant<T> q) {
  const Vec<T> z = q.r * q.r;
  const Vec<T> half = z * T(0.5);
  const Vec<T> head = Vec<T>(T(1)) - half;
  const Vec<T> lost = fma(-q.r, q.low, (Vec<T>(T(1)) - head) - half);
  return {head, fma(z * z, polynomial(z, Trig<T>::kCos), lost)};
}
// sin(r + k pi/2)
template <class T>
SF_INLINE Vec<T> sin_of(Quadrant<T> q) {
  const Vec<T> y = select((q.k & 1) != 0, cos_small(q).value, sin_small(q).value);
  return select((q.k & 2) != 0, -y, y);
}

template <class T>
SF_INLINE Vec<T> sin(Vec<T> x) {
  const Quadrant<T> q = reduce_quadrant(x);
  return select(x == T(0), x, sin_of(q));
}
template <class T>
SF_INLINE Vec<T> cos(Vec<T> x) {
  Quadrant<T> q = reduce_quadrant(x);
  q.k += 1;
  return sin_of(q);
}
template <class T>
SF_INLINE Vec<T> tan(Vec<T> x) {
  const Quadrant<T> q = reduce_quadrant(x);
  const auto odd = (q.k & 1) != 0;
  const Rounded<T> s = sin_small(q), c = cos_small(q);
  const Vec<T> top = select(odd, -c.value, s.value), top_lost = select(odd, -c.lost, s.lost);
  const Vec<T> bottom = select(odd, s.value, c.value), bottom_lost = select(odd, s.lost, c.lost);
  const Vec<T> share = Vec<T>(T(1)) / bottom, y = top * share;
  const Vec<T> lost = fma(-y, bottom, top) + fma(-y, bottom_lost, top_lost);
  return select(x == T(0), x, fma(lost, share, y));
}

// atan(y / x) for y >= 0, x >= 0, not both zero or infinite: y/x, (y-x)/(y+x) or -x/y, so that the
// polynomial sees at most tan(pi/8).
template <class T>
SF_INLINE Vec<T> atan_ratio(Vec<T> y, Vec<T> x) {
  using V = Vec<T>;
  const auto middle = y > x * T(0.41421356237309503);
  const auto large = y > x * T(2.4142135623730950);
  const V top = select(large, -x, select(middle, y - x, y));
  const V bottom = select(large, y, select(middle, y + x, x));
  const V base = select(large, T(kHalfPi), select(middle, V(T(kHalfPi / 2)), V(T(0))));
  const V base_low =
      select(large, Trig<T>::kHalfPiLow, select(middle, V(Trig<T>::kHalfPiLow / 2), V(T(0))));
  const V t = top / bottom;
  const V z = t * t;
  return base + (t + fma(t * z, polynomial(z, Trig<T>::kAtan), base_low));
}

template <class T>
SF_INLINE Vec<T> atan(Vec<T> x) {
  const Vec<T> y = copysign(atan_ratio(abs(x), Vec<T>(T(1))), x);
  return select(x == x, y, x);
}

template <class T>
SF_INLINE Vec<T> atan2(Vec<T> y, Vec<T> x) {
  using V = Vec<T>;
  using C = Const<T>;
  V ay = abs(y), ax = abs(x);
  const auto both_infinite = (ay == C::kInf) & (ax == C::kInf);
  ay = select(both_infinite, T(1), ay);
  ax = select(both_infinite | ((ay == T(0)) & (ax == T(0))), T(1), ax);
  V angle = atan_ratio(ay, ax);
  angle = select(x.bits() < 0, (V(T(kPi)) - angle) + T(2) * Trig<T>::kHalfPiLow, angle);
  return select((x == x) & (y == y), copysign(angle, y), x + y);
}

template <class T>
SF_INLINE Vec<T> asin(Vec<T> x) {
  const Vec<T> a = abs(x);
  const Vec<T> side = sqrt((Vec<T>(T(1)) - a) * (a + T(1)));
  return select(a <= T(1), copysign(atan_ratio(a, side), x), Const<T>::kNan);
}
template <class T>
SF_INLINE Vec<T> acos(Vec<T> x) {
  const Vec<T> half = atan_ratio(sqrt(Vec<T>(T(1)) - x), sqrt(x + T(1)));
  return select(abs(x) <= T(1), half + half, Const<T>::kNan);
}

template <class T>
SF_INLINE Vec<T> sinh(Vec<T> x) {
  const Vec<T> a = abs(x);
  const Vec<T> m = expm1(a);
  const Vec<T> root = exp(a * T(0.5));
  const Vec<T> y = select(a > T(40), root * T(0.5) * root, (m + m / (m + T(1))) * T(0.5));
  return select(x == x, copysign(y, x), x);
}
template <class T>
SF_INLINE Vec<T> cosh(Vec<T> x) {
  const Vec<T> a = abs(x);
  const Vec<T> root = exp(a * T(0.5));
  const Vec<T> e = exp(a);
  return select(a > T(40), root * T(0.5) * root, (e + Vec<T>(T(1)) / e) * T(0.5));
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
