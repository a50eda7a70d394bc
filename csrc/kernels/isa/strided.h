// Reading every second or any element into a register, and laying two registers out in turn.
#pragma once
#include "kernels/isa/lanes.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

// Elements 0, 2, 4, ... (1, 3, 5, ...) of a followed by b.
template <class Raw, int... i>
SF_INLINE Raw raw_even(Raw a, Raw b, LaneList<i...>) {
  return __builtin_shufflevector(a, b, (2 * i)...);
}
template <class Raw, int... i>
SF_INLINE Raw raw_odd(Raw a, Raw b, LaneList<i...>) {
  return __builtin_shufflevector(a, b, (2 * i + 1)...);
}
// The low (high) halves of a and b in turn: a0 b0 a1 b1 ...
template <class Raw, int... i>
SF_INLINE Raw raw_zip_low(Raw a, Raw b, LaneList<i...>) {
  return __builtin_shufflevector(a, b, (i / 2 + i % 2 * int{sizeof...(i)})...);
}
template <class Raw, int... i>
SF_INLINE Raw raw_zip_high(Raw a, Raw b, LaneList<i...>) {
  constexpr int kWidth = sizeof...(i);
  return __builtin_shufflevector(a, b, (kWidth / 2 + i / 2 + i % 2 * kWidth)...);
}

// p[0], p[stride], ...; `left` elements may be read, lanes beyond them hold anything. kStride is 1,
// 2, or 0: any.
template <int kStride, class T>
SF_INLINE Vec<T> load_strided(const T* p, int64_t stride, int64_t left) {
  using V = Vec<T>;
  if constexpr (kStride == 1) return load_or(p, left, T(0));
  if constexpr (kStride == 2) {
    const int64_t rest = left - V::kWidth;
    const V high = rest > 0 ? load_or(p + V::kWidth, rest, T(0)) : V(T(0));
    return V(raw_even(load_or(p, left, T(0)).v, high.v, all_lanes<V::kWidth>()));
  }
  V out = T(0);
  for (int i = 0; i < V::kWidth; ++i) {
    if (i * stride < left) out.v[i] = p[i * stride];
  }
  return out;
}

// even = p[0], p[2], ...; odd = p[1], p[3], ...; as load_strided<2>.
template <class T>
SF_INLINE void load_pairs(const T* p, int64_t left, Vec<T>& even, Vec<T>& odd) {
  using V = Vec<T>;
  const int64_t rest = left - V::kWidth;
  const V low = load_or(p, left, T(0));
  const V high = rest > 0 ? load_or(p + V::kWidth, rest, T(0)) : V(T(0));
  even = V(raw_even(low.v, high.v, all_lanes<V::kWidth>()));
  odd = V(raw_odd(low.v, high.v, all_lanes<V::kWidth>()));
}

// p[at[0]], p[at[1]], ... of the first n lanes.
template <class T>
SF_INLINE Vec<T> gather(const T* p, const int32_t* at, int64_t n) {
  Vec<T> out = T(0);
  for (int i = 0; i < Vec<T>::kWidth; ++i) {
    if (i < n) out.v[i] = p[at[i]];
  }
  return out;
}
#if defined(SF_ISA_avx512)
SF_INLINE Vec<float> gather(const float* p, const int32_t* at, int64_t n) {
  const auto lanes = static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << n) - 1);
  const __m512i index = _mm512_maskz_loadu_epi32(lanes, at);
  return Vec<float>(_mm512_mask_i32gather_ps(F32{}, lanes, index, p, 4));
}
#elif defined(SF_ISA_avx2)
SF_INLINE Vec<float> gather(const float* p, const int32_t* at, int64_t n) {
  const __m256i lanes = first_lanes(0.f, n);
  const __m256i index = _mm256_maskload_epi32(at, lanes);
  return Vec<float>(_mm256_mask_i32gather_ps(F32{}, p, index, (F32)lanes, 4));
}
#endif

// a0 b0 a1 b1 ..., the first n pairs.
template <class T>
SF_INLINE void store_pairs(Vec<T> a, Vec<T> b, T* p, int64_t n) {
  using V = Vec<T>;
  store_some(V(raw_zip_low(a.v, b.v, all_lanes<V::kWidth>())), p, 2 * n);
  if (2 * n <= V::kWidth) return;
  store_some(V(raw_zip_high(a.v, b.v, all_lanes<V::kWidth>())), p + V::kWidth, 2 * n - V::kWidth);
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
