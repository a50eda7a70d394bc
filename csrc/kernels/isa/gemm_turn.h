// The way out of a transposed product: tiles of its result become rows of C.
#pragma once
#include "kernels/isa/gemm_pack.h"
#include "kernels/table.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

// A vector's worth of rows or fewer, from row i on. Adding -0 changes nothing.
template <class T>
void turn_rows(const GemmTurn<T>& p, int64_t i) {
  using V = Vec<T>;
  constexpr int kWidth = V::kWidth;
  const int64_t count = least(kWidth, p.rows - i);
  const T* row[kWidth];
  for (int r = 0; r < kWidth; ++r) row[r] = p.from + (i + least(r, count - 1)) * p.from_row;
  const V bias = p.bias ? V::load_partial(p.bias + i, count) : V(-T(0));
  const auto finish = [&](V sum, T* to) SF_INLINE_LAMBDA {
    if (p.add) sum += V::load_partial(to, count);
    (sum + bias).store_partial(to, count);
  };
  T* to = p.to + i;
  for (int64_t j = 0; j < p.cols; j += kWidth, to += kWidth * p.to_row) {
    V block[kWidth];
    load_transposed<kWidth / kQuad<T>>(row, j, block);
    if (j + kWidth <= p.cols) {
      SF_UNROLL
      for (int t = 0; t < kWidth; ++t) finish(block[t], to + t * p.to_row);
    } else {
      for (int t = 0; t < p.cols - j; ++t) finish(block[t], to + t * p.to_row);
    }
  }
}

template <class T>
void turn(const GemmTurn<T>& p) {
  for (int64_t i = 0; i < p.rows; i += Vec<T>::kWidth) turn_rows(p, i);
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
