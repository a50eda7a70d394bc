// Transposing blocks in registers: what packing needs beyond vec.h.
#pragma once
#include "kernels/isa/vec.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

// Numbers in 16 bytes: a vector is kWidth / kQuad quads, and blocks are transposed quad by quad.
template <class T>
constexpr int kQuad = 16 / static_cast<int>(sizeof(T));

// Loads quad q of the vector from rows[q * step].
#if defined(SF_ISA_avx512)
SF_INLINE F32 load_quads(const float* const* rows, int step, int64_t at) {
  F32 v = _mm512_castps128_ps512(_mm_loadu_ps(rows[0] + at));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(rows[step] + at), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(rows[2 * step] + at), 2);
  return _mm512_insertf32x4(v, _mm_loadu_ps(rows[3 * step] + at), 3);
}
SF_INLINE F64 load_quads(const double* const* rows, int step, int64_t at) {
  F64 v = _mm512_castpd128_pd512(_mm_loadu_pd(rows[0] + at));
  v = _mm512_insertf64x2(v, _mm_loadu_pd(rows[step] + at), 1);
  v = _mm512_insertf64x2(v, _mm_loadu_pd(rows[2 * step] + at), 2);
  return _mm512_insertf64x2(v, _mm_loadu_pd(rows[3 * step] + at), 3);
}

#elif defined(SF_ISA_avx2)
SF_INLINE F32 load_quads(const float* const* rows, int step, int64_t at) {
  const F32 v = _mm256_castps128_ps256(_mm_loadu_ps(rows[0] + at));
  return _mm256_insertf128_ps(v, _mm_loadu_ps(rows[step] + at), 1);
}
SF_INLINE F64 load_quads(const double* const* rows, int step, int64_t at) {
  const F64 v = _mm256_castpd128_pd256(_mm_loadu_pd(rows[0] + at));
  return _mm256_insertf128_pd(v, _mm_loadu_pd(rows[step] + at), 1);
}

#else
template <class T>
SF_INLINE typename Types<T>::Raw load_quads(const T* const* rows, int, int64_t at) {
  return Vec<T>::load(rows[0] + at).v;
}
#endif

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

// out[t][i] = rows[i][at + t] for i < kWidth, t < kQuad.
SF_INLINE void load_transposed(const float* const* rows, int64_t at, Vec<float>* out) {
  const F32 r0 = load_quads(rows, 4, at), r1 = load_quads(rows + 1, 4, at);
  const F32 r2 = load_quads(rows + 2, 4, at), r3 = load_quads(rows + 3, 4, at);
  const F64 low01 = (F64)interleave_low(r0, r1), high01 = (F64)interleave_high(r0, r1);
  const F64 low23 = (F64)interleave_low(r2, r3), high23 = (F64)interleave_high(r2, r3);
  out[0] = (F32)interleave_low(low01, low23);
  out[1] = (F32)interleave_high(low01, low23);
  out[2] = (F32)interleave_low(high01, high23);
  out[3] = (F32)interleave_high(high01, high23);
}
SF_INLINE void load_transposed(const double* const* rows, int64_t at, Vec<double>* out) {
  const F64 r0 = load_quads(rows, 2, at), r1 = load_quads(rows + 1, 2, at);
  out[0] = interleave_low(r0, r1);
  out[1] = interleave_high(r0, r1);
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
