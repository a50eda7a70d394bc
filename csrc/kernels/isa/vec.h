// Vec<T>: one vector register of float or double, of the width of the ISA this file is compiled
// for (SSE2 and NEON 16 bytes, AVX2 32, AVX-512 64). Kernels name no intrinsic; they use this.
//
// Everything here has internal linkage: files in isa/ are compiled once per ISA, and a symbol that
// two of them share would let the linker put wide instructions where a narrow CPU meets them.
#pragma once
#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define SF_INLINE inline __attribute__((always_inline))
#define SF_INLINE_LAMBDA __attribute__((always_inline))

// Unrolls the loop that follows.
#if defined(__clang__)
#define SF_UNROLL _Pragma("unroll")
#else
#define SF_UNROLL _Pragma("GCC unroll 16")
#endif

namespace sf::SF_ISA_NAMESPACE {
namespace {

#if defined(SF_ISA_avx512)
constexpr int kVecBytes = 64;
#elif defined(SF_ISA_avx2)
constexpr int kVecBytes = 32;
#else
constexpr int kVecBytes = 16;
#endif

// Raw: the register. Int: integers of the same width, also the mask type (a lane is 0 or -1).
// Words: the same without sign, for arithmetic on bits, which may wrap. Loose: Raw as it lies in
// memory, without alignment.
template <class T>
struct Types;
template <>
struct Types<float> {
  using Lane = int32_t;
  typedef float Raw __attribute__((vector_size(kVecBytes)));
  typedef int32_t Int __attribute__((vector_size(kVecBytes)));
  typedef uint32_t Words __attribute__((vector_size(kVecBytes)));
  typedef float Loose __attribute__((vector_size(kVecBytes), aligned(4), may_alias));
};
template <>
struct Types<double> {
  using Lane = int64_t;
  typedef double Raw __attribute__((vector_size(kVecBytes)));
  typedef int64_t Int __attribute__((vector_size(kVecBytes)));
  typedef uint64_t Words __attribute__((vector_size(kVecBytes)));
  typedef double Loose __attribute__((vector_size(kVecBytes), aligned(8), may_alias));
};
using F32 = Types<float>::Raw;
using F64 = Types<double>::Raw;

// What the vector extension of the compiler does not offer, by intrinsic where there is one.
enum class Rounding { kEven, kDown, kUp, kZero };

#if defined(SF_ISA_avx512)
// Masked forms with every lane set: the plain ones of GCC 12 warn about their own placeholder.
SF_INLINE F32 raw_fma(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a, b, c); }
SF_INLINE F64 raw_fma(F64 a, F64 b, F64 c) { return _mm512_fmadd_pd(a, b, c); }
SF_INLINE F32 raw_sqrt(F32 a) { return _mm512_maskz_sqrt_ps(0xffff, a); }
SF_INLINE F64 raw_sqrt(F64 a) { return _mm512_maskz_sqrt_pd(0xff, a); }
template <Rounding mode>
SF_INLINE F32 raw_round(F32 a) {
  return _mm512_maskz_roundscale_ps(0xffff, a, static_cast<int>(mode) | _MM_FROUND_NO_EXC);
}
template <Rounding mode>
SF_INLINE F64 raw_round(F64 a) {
  return _mm512_maskz_roundscale_pd(0xff, a, static_cast<int>(mode) | _MM_FROUND_NO_EXC);
}
SF_INLINE F32 raw_load(const float* p, int64_t n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
}
SF_INLINE F64 raw_load(const double* p, int64_t n) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), p);
}
SF_INLINE F32 raw_load_or(const float* p, int64_t n, F32 fill) {
  return _mm512_mask_loadu_ps(fill, static_cast<__mmask16>((1u << n) - 1), p);
}
SF_INLINE F64 raw_load_or(const double* p, int64_t n, F64 fill) {
  return _mm512_mask_loadu_pd(fill, static_cast<__mmask8>((1u << n) - 1), p);
}
SF_INLINE void raw_store(float* p, int64_t n, F32 a) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), a);
}
SF_INLINE void raw_store(double* p, int64_t n, F64 a) {
  _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1), a);
}
SF_INLINE void raw_stream(float* p, F32 a) { _mm512_stream_ps(p, a); }
SF_INLINE void raw_stream(double* p, F64 a) { _mm512_stream_pd(p, a); }
SF_INLINE F32 raw_broadcast(float s) { return _mm512_set1_ps(s); }
SF_INLINE F64 raw_broadcast(double s) { return _mm512_set1_pd(s); }

#elif defined(SF_ISA_avx2)
SF_INLINE F32 raw_fma(F32 a, F32 b, F32 c) { return _mm256_fmadd_ps(a, b, c); }
SF_INLINE F64 raw_fma(F64 a, F64 b, F64 c) { return _mm256_fmadd_pd(a, b, c); }
SF_INLINE F32 raw_sqrt(F32 a) { return _mm256_sqrt_ps(a); }
SF_INLINE F64 raw_sqrt(F64 a) { return _mm256_sqrt_pd(a); }
template <Rounding mode>
SF_INLINE F32 raw_round(F32 a) {
  return _mm256_round_ps(a, static_cast<int>(mode) | _MM_FROUND_NO_EXC);
}
template <Rounding mode>
SF_INLINE F64 raw_round(F64 a) {
  return _mm256_round_pd(a, static_cast<int>(mode) | _MM_FROUND_NO_EXC);
}
SF_INLINE __m256i first_lanes(float, int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
SF_INLINE __m256i first_lanes(double, int64_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
SF_INLINE F32 raw_load(const float* p, int64_t n) {
  return _mm256_maskload_ps(p, first_lanes(0.f, n));
}
SF_INLINE F64 raw_load(const double* p, int64_t n) {
  return _mm256_maskload_pd(p, first_lanes(0., n));
}
SF_INLINE F32 raw_load_or(const float* p, int64_t n, F32 fill) {
  return _mm256_blendv_ps(fill, raw_load(p, n), (F32)first_lanes(0.f, n));
}
SF_INLINE F64 raw_load_or(const double* p, int64_t n, F64 fill) {
  return _mm256_blendv_pd(fill, raw_load(p, n), (F64)first_lanes(0., n));
}
SF_INLINE void raw_store(float* p, int64_t n, F32 a) {
  _mm256_maskstore_ps(p, first_lanes(0.f, n), a);
}
SF_INLINE void raw_store(double* p, int64_t n, F64 a) {
  _mm256_maskstore_pd(p, first_lanes(0., n), a);
}
SF_INLINE void raw_stream(float* p, F32 a) { _mm256_stream_ps(p, a); }
SF_INLINE void raw_stream(double* p, F64 a) { _mm256_stream_pd(p, a); }
SF_INLINE F32 raw_broadcast(float s) { return _mm256_set1_ps(s); }
SF_INLINE F64 raw_broadcast(double s) { return _mm256_set1_pd(s); }

#else  // any compiler with vector extensions; no fused multiply-add
template <class Raw>
SF_INLINE Raw raw_fma(Raw a, Raw b, Raw c) {
  return a * b + c;
}
#if defined(__x86_64__)
SF_INLINE F32 raw_sqrt(F32 a) { return _mm_sqrt_ps(a); }
SF_INLINE F64 raw_sqrt(F64 a) { return _mm_sqrt_pd(a); }
#else
SF_INLINE F32 raw_sqrt(F32 a) {
  for (int i = 0; i < 4; ++i) a[i] = __builtin_sqrtf(a[i]);
  return a;
}
SF_INLINE F64 raw_sqrt(F64 a) {
  for (int i = 0; i < 2; ++i) a[i] = __builtin_sqrt(a[i]);
  return a;
}
#endif
// From 2^23 (2^52) on every number is an integer; below, adding and taking away that power rounds.
template <Rounding mode, class T>
SF_INLINE typename Types<T>::Raw round_by_shift(typename Types<T>::Raw a, T limit) {
  using Int = typename Types<T>::Int;
  const Int sign_bit = Int{} + (typename Types<T>::Lane(1) << (8 * sizeof(T) - 1));
  const Int signs = (Int)a & sign_bit;
  const auto magnitude = (typename Types<T>::Raw)((Int)a & ~sign_bit);
  const auto near = (magnitude + limit) - limit;
  auto out = (typename Types<T>::Raw)((Int)near | signs);
  if constexpr (mode == Rounding::kDown) out = (Int)(out > a) ? out - T(1) : out;
  if constexpr (mode == Rounding::kUp) out = (Int)(out < a) ? out + T(1) : out;
  if constexpr (mode == Rounding::kZero) out = (Int)(near > magnitude) ? near - T(1) : near;
  out = (typename Types<T>::Raw)((Int)out | signs);  // -0.3 rounds to -0
  return (Int)(magnitude < limit) ? out : a;         // also keeps NaN and infinity
}
template <Rounding mode>
SF_INLINE F32 raw_round(F32 a) {
  return round_by_shift<mode, float>(a, 0x1p23f);
}
template <Rounding mode>
SF_INLINE F64 raw_round(F64 a) {
  return round_by_shift<mode, double>(a, 0x1p52);
}
template <class T>
SF_INLINE typename Types<T>::Raw raw_load(const T* p, int64_t n) {
  typename Types<T>::Raw out = {};
  for (int i = 0; i < n; ++i) out[i] = p[i];
  return out;
}
template <class T>
SF_INLINE typename Types<T>::Raw raw_load_or(const T* p, int64_t n, typename Types<T>::Raw fill) {
  for (int i = 0; i < n; ++i) fill[i] = p[i];
  return fill;
}
template <class T>
SF_INLINE void raw_store(T* p, int64_t n, typename Types<T>::Raw a) {
  for (int i = 0; i < n; ++i) p[i] = a[i];
}
template <class T>
SF_INLINE void raw_stream(T* p, typename Types<T>::Raw a) {
  *reinterpret_cast<typename Types<T>::Raw*>(p) = a;
}
SF_INLINE F32 raw_broadcast(float s) { return F32{s, s, s, s}; }
SF_INLINE F64 raw_broadcast(double s) { return F64{s, s}; }
#endif

// Lane i takes lane i ^ bit.
template <int... lanes>
struct LaneList {};
template <int bit, class Raw, int... i>
SF_INLINE Raw raw_swap(Raw a, LaneList<i...>) {
  return __builtin_shufflevector(a, a, (i ^ bit)...);
}
template <int width>
SF_INLINE auto all_lanes() {
  if constexpr (width == 2) return LaneList<0, 1>{};
  if constexpr (width == 4) return LaneList<0, 1, 2, 3>{};
  if constexpr (width == 8) return LaneList<0, 1, 2, 3, 4, 5, 6, 7>{};
  if constexpr (width == 16) {
    return LaneList<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>{};
  }
}

// Products of the low 32 bits of 64-bit lanes.
typedef uint64_t U64 __attribute__((vector_size(kVecBytes)));
SF_INLINE U64 multiply_low_halves(U64 a, U64 b) {
#if defined(SF_ISA_avx512)
  return (U64)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(SF_ISA_avx2)
  return (U64)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__x86_64__)
  return (U64)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

SF_INLINE void stream_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

// Whether any lane of a mask is set.
template <class Int>
SF_INLINE bool any(Int mask) {
#if defined(SF_ISA_avx512)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(SF_ISA_avx2)
  return _mm256_movemask_epi8((__m256i)mask) != 0;
#elif defined(__x86_64__)
  return _mm_movemask_epi8((__m128i)mask) != 0;
#else
  bool found = false;
  for (unsigned i = 0; i < sizeof(mask) / sizeof(mask[0]); ++i) found |= mask[i] != 0;
  return found;
#endif
}

template <class T>
struct Vec {
  using Scalar = T;
  using Raw = typename Types<T>::Raw;
  using Int = typename Types<T>::Int;
  using Words = typename Types<T>::Words;
  using Mask = Int;
  using Lane = typename Types<T>::Lane;
  static constexpr int kWidth = kVecBytes / static_cast<int>(sizeof(T));

  Raw v;

  Vec() = default;
  SF_INLINE Vec(Raw raw) : v(raw) {}
  SF_INLINE Vec(T scalar) : v(raw_broadcast(scalar)) {}

  static SF_INLINE Vec load(const T* p) {
    using Loose = typename Types<T>::Loose;
    return Vec(Raw(*reinterpret_cast<const Loose*>(p)));
  }
  SF_INLINE void store(T* p) const {
    using Loose = typename Types<T>::Loose;
    *reinterpret_cast<Loose*>(p) = v;
  }
  // The first n lanes, 0 <= n <= kWidth; memory behind them is not touched, other lanes read as 0.
  static SF_INLINE Vec load_partial(const T* p, int64_t n) { return Vec(raw_load(p, n)); }
  // As load_partial; the other lanes are those of `fill`.
  static SF_INLINE Vec load_partial_or(const T* p, int64_t n, Vec fill) {
    return Vec(raw_load_or(p, n, fill.v));
  }
  SF_INLINE void store_partial(T* p, int64_t n) const { raw_store(p, n, v); }
  // Past the caches, where the ISA can: for what nobody reads soon. p is aligned to a register;
  // stream_fence() comes before anybody else reads it.
  SF_INLINE void stream(T* p) const { raw_stream(p, v); }
  static SF_INLINE Vec broadcast(T scalar) { return Vec(scalar); }
  static SF_INLINE Vec from_bits(Int bits) { return Vec((Raw)bits); }
  static SF_INLINE Vec from_bits(Words bits) { return Vec((Raw)bits); }
  SF_INLINE Int bits() const { return (Int)v; }
  SF_INLINE Words words() const { return (Words)v; }
  SF_INLINE T operator[](int lane) const { return v[lane]; }

  friend SF_INLINE Vec operator+(Vec a, Vec b) { return Vec(a.v + b.v); }
  friend SF_INLINE Vec operator-(Vec a, Vec b) { return Vec(a.v - b.v); }
  friend SF_INLINE Vec operator*(Vec a, Vec b) { return Vec(a.v * b.v); }
  friend SF_INLINE Vec operator/(Vec a, Vec b) { return Vec(a.v / b.v); }
  friend SF_INLINE Vec operator-(Vec a) { return Vec(-a.v); }
  SF_INLINE Vec& operator+=(Vec b) { return v += b.v, *this; }
  SF_INLINE Vec& operator-=(Vec b) { return v -= b.v, *this; }
  SF_INLINE Vec& operator*=(Vec b) { return v *= b.v, *this; }

  friend SF_INLINE Mask operator<(Vec a, Vec b) { return (Mask)(a.v < b.v); }
  friend SF_INLINE Mask operator<=(Vec a, Vec b) { return (Mask)(a.v <= b.v); }
  friend SF_INLINE Mask operator>(Vec a, Vec b) { return (Mask)(a.v > b.v); }
  friend SF_INLINE Mask operator>=(Vec a, Vec b) { return (Mask)(a.v >= b.v); }
  friend SF_INLINE Mask operator==(Vec a, Vec b) { return (Mask)(a.v == b.v); }
  friend SF_INLINE Mask operator!=(Vec a, Vec b) { return (Mask)(a.v != b.v); }

  friend SF_INLINE Vec select(Mask mask, Vec yes, Vec no) { return Vec(mask ? yes.v : no.v); }
  friend SF_INLINE Vec fma(Vec a, Vec b, Vec c) { return Vec(raw_fma(a.v, b.v, c.v)); }
  friend SF_INLINE Vec sqrt(Vec a) { return Vec(raw_sqrt(a.v)); }
  // b where either is NaN, as the x86 instruction has it.
  friend SF_INLINE Vec min(Vec a, Vec b) { return select(a < b, a, b); }
  friend SF_INLINE Vec max(Vec a, Vec b) { return select(a > b, a, b); }
  // NaN where either is NaN.
  friend SF_INLINE Vec min_nan(Vec a, Vec b) { return select((a < b) | (a != a), a, b); }
  friend SF_INLINE Vec max_nan(Vec a, Vec b) { return select((a > b) | (a != a), a, b); }

  // -1, 0 or 1; NaN of NaN.
  friend SF_INLINE Vec sign(Vec a) {
    return select(a > Vec(T(0)), Vec(T(1)), select(a < Vec(T(0)), Vec(T(-1)), a));
  }

  friend SF_INLINE Vec round_even(Vec a) { return Vec(raw_round<Rounding::kEven>(a.v)); }
  friend SF_INLINE Vec floor(Vec a) { return Vec(raw_round<Rounding::kDown>(a.v)); }
  friend SF_INLINE Vec ceil(Vec a) { return Vec(raw_round<Rounding::kUp>(a.v)); }
  friend SF_INLINE Vec trunc(Vec a) { return Vec(raw_round<Rounding::kZero>(a.v)); }

  template <int bit>
  SF_INLINE Vec swap_lanes() const {
    return Vec(raw_swap<bit>(v, all_lanes<kWidth>()));
  }

  static SF_INLINE Int sign_bit() { return Int{} + (Lane(1) << (8 * sizeof(T) - 1)); }
  friend SF_INLINE Vec abs(Vec a) { return from_bits(a.bits() & ~sign_bit()); }
  // The magnitude of a with the sign of b.
  friend SF_INLINE Vec copysign(Vec a, Vec b) {
    return from_bits((a.bits() & ~sign_bit()) | (b.bits() & sign_bit()));
  }
};

// join over all lanes, by halves; the result is in every lane.
template <int bit, class T, class Join>
SF_INLINE Vec<T> fold_lanes(Vec<T> a, const Join& join) {
  if constexpr (bit == 0) {
    return a;
  } else {
    return fold_lanes<bit / 2>(join(a, a.template swap_lanes<bit>()), join);
  }
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
