// Walking contiguous elements register by register, and sums that are the same on every ISA: they
// have kReduceLanes lanes, folded by halves.
#pragma once
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
SF_INLINE Vec<T> load_or(const T* p, int64_t left, T fill) {
  using V = Vec<T>;
  if (left >= V::kWidth) return V::load(p);
  return V::load_partial_or(p, left, V(fill));
}
template <class T>
SF_INLINE void store_some(Vec<T> v, T* p, int64_t left) {
  left >= Vec<T>::kWidth ? v.store(p) : v.store_partial(p, left);
}

// fn(i, lanes left) for every vector of n elements. Of whole ones `left` is a constant: with fn
// inlined, the tests of load_or and store_some cost nothing.
template <class T, class F>
SF_INLINE void for_vectors(int64_t n, const F& fn) {
  constexpr int64_t kWidth = Vec<T>::kWidth;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) fn(i, kWidth);
  if (i < n) fn(i, n - i);
}

// sums[k] = the sum over i of part k of f(i, lanes left, parts), added up lane by lane; f gives 0
// in lanes beyond the end.
template <int kSums, class T, class F>
SF_INLINE void lane_sums(int64_t n, T* sums, const F& f) {
  using V = Vec<T>;
  constexpr int kRegisters = kReduceLanes / V::kWidth;
  V acc[kSums][kRegisters];
  for (int k = 0; k < kSums; ++k) {
    for (int r = 0; r < kRegisters; ++r) acc[k][r] = V(T(0));
  }
  const auto add = [&](int r, int64_t at, int64_t left) SF_INLINE_LAMBDA {
    V parts[kSums];
    f(at, left, parts);
    for (int k = 0; k < kSums; ++k) acc[k][r] += parts[k];
  };
  int64_t i = 0;
  for (; i + kReduceLanes <= n; i += kReduceLanes) {
    for (int r = 0; r < kRegisters; ++r) add(r, i + r * V::kWidth, V::kWidth);
  }
  for (int r = 0; r < kRegisters; ++r) {
    if (i + r * V::kWidth < n) add(r, i + r * V::kWidth, n - i - r * V::kWidth);
  }
  for (int k = 0; k < kSums; ++k) {
    for (int half = kRegisters / 2; half; half /= 2) {
      for (int r = 0; r < half; ++r) acc[k][r] += acc[k][r + half];
    }
    sums[k] = fold_lanes<V::kWidth / 2>(acc[k][0], [](V a, V b) { return a + b; })[0];
  }
}

// One such sum.
template <class T, class F>
SF_INLINE T lane_sum(int64_t n, const F& f) {
  T sum;
  lane_sums<1>(n, &sum,
               [&](int64_t i, int64_t left, Vec<T>* part) SF_INLINE_LAMBDA { *part = f(i, left); });
  return sum;
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
