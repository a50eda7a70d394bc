// Transposing blocks in registers: what packing needs beyond vec.h.
#pragma once
#include "kernels/isa/vec.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

// Numbers in 16 bytes: a vector is kWidth / kQuad quads, and blocks are transposed quad by quad.
template <class T>
constexpr int kQuad = 16 / static_cast<int>(sizeof(T));

// v with quad `lane` from p; lane 0 comes first and starts v.
#if defined(SF_ISA_avx512)
template <int lane>
SF_INLINE F32 insert_quad(F32 v, const float* p) {
  if constexpr (lane == 0) return _mm512_castps128_ps512(_mm_loadu_ps(p));
  return _mm512_insertf32x4(v, _mm_loadu_ps(p), lane);
}
template <int lane>
SF_INLINE F64 insert_quad(F64 v, const double* p) {
  if constexpr (lane == 0) return _mm512_castpd128_pd512(_mm_loadu_pd(p));
  return _mm512_insertf64x2(v, _mm_loadu_pd(p), lane);
}
#elif defined(SF_ISA_avx2)
template <int lane>
SF_INLINE F32 insert_quad(F32 v, const float* p) {
  if constexpr (lane == 0) return _mm256_castps128_ps256(_mm_loadu_ps(p));
  return _mm256_insertf128_ps(v, _mm_loadu_ps(p), lane);
}
template <int lane>
SF_INLINE F64 insert_quad(F64 v, const double* p) {
  if constexpr (lane == 0) return _mm256_castpd128_pd256(_mm_loadu_pd(p));
  return _mm256_insertf128_pd(v, _mm_loadu_pd(p), lane);
}
#else
template <int lane, class T>
SF_INLINE typename Types<T>::Raw insert_quad(typename Types<T>::Raw, const T* p) {
  return Vec<T>::load(p).v;
}
#endif

// Rows i, i + kQuad, ... of `count` quads from `at` on: quad q of them all goes to to[q][i]. The
// quads of a row are loaded one after the other.
template <int count, int lane = 0, class T, class Raw>
SF_INLINE void load_quads(const T* const* rows, int64_t at, Raw (*to)[kQuad<T>]) {
  SF_UNROLL
  for (int i = 0; i < kQuad<T>; ++i) {
    SF_UNROLL
    for (int q = 0; q < count; ++q) {
      to[q][i] = insert_quad<lane>(to[q][i], rows[lane * kQuad<T> + i] + at + q * kQuad<T>);
    }
  }
  if constexpr (lane + 1 < Vec<T>::kWidth / kQuad<T>) {
    load_quads<count, lane + 1>(rows, at, to);
  }
}

// Quad by quad the low (high) halves of a and b, taken in turn: a0 b0 a1 b1.
#if defined(SF_ISA_avx512)
SF_INLINE F32 interleave_low(F32 a, F32 b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
}
SF_INLINE F32 interleave_high(F32 a, F32 b) {
  return __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
}
SF_INLINE F64 interleave_low(F64 a, F64 b) {
  return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
}
SF_INLINE F64 interleave_high(F64 a, F64 b) {
  return __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
}
#elif defined(SF_ISA_avx2)
SF_INLINE F32 interleave_low(F32 a, F32 b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
}
SF_INLINE F32 interleave_high(F32 a, F32 b) {
  return __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
}
SF_INLINE F64 interleave_low(F64 a, F64 b) { return __builtin_shufflevector(a, b, 0, 4, 2, 6); }
SF_INLINE F64 interleave_high(F64 a, F64 b) { return __builtin_shufflevector(a, b, 1, 5, 3, 7); }
#else
SF_INLINE F32 interleave_low(F32 a, F32 b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
SF_INLINE F32 interleave_high(F32 a, F32 b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
SF_INLINE F64 interleave_low(F64 a, F64 b) { return __builtin_shufflevector(a, b, 0, 2); }
SF_INLINE F64 interleave_high(F64 a, F64 b) { return __builtin_shufflevector(a, b, 1, 3); }
#endif

// Quads as numbers of a matrix: out[t][i] = r[i % kQuad][i / kQuad * kQuad + t].
SF_INLINE void transpose_quads(const F32 (&r)[4], Vec<float>* out) {
  const F64 low01 = (F64)interleave_low(r[0], r[1]), high01 = (F64)interleave_high(r[0], r[1]);
  const F64 low23 = (F64)interleave_low(r[2], r[3]), high23 = (F64)interleave_high(r[2], r[3]);
  out[0] = (F32)interleave_low(low01, low23);
  out[1] = (F32)interleave_high(low01, low23);
  out[2] = (F32)interleave_low(high01, high23);
  out[3] = (F32)interleave_high(high01, high23);
}
SF_INLINE void transpose_quads(const F64 (&r)[2], Vec<double>* out) {
  out[0] = interleave_low(r[0], r[1]);
  out[1] = interleave_high(r[0], r[1]);
}

// out[t][i] = rows[i][at + t] for i < kWidth, t < count * kQuad.
template <int count, class T>
SF_INLINE void load_transposed(const T* const* rows, int64_t at, Vec<T>* out) {
  typename Types<T>::Raw quads[count][kQuad<T>] = {};
  load_quads<count>(rows, at, quads);
  SF_UNROLL
  for (int q = 0; q < count; ++q) transpose_quads(quads[q], out + q * kQuad<T>);
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
