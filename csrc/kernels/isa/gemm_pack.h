// Packing an operand of the matrix product into panels.
#pragma once
#include "kernels/isa/transpose.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

constexpr int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// One vector's worth of rows (or fewer: the last one is repeated), transposed: a vector of each row
// at a time, so that rows a page apart, which share few places in the cache, are met only once.
template <class T>
void pack_transposed(T* to, int64_t to_k, const T* from, int64_t from_row, int64_t rows,
                     int64_t depth) {
  using V = Vec<T>;
  constexpr int kAhead = 128 / sizeof(T);
  const T* row[V::kWidth];
  for (int i = 0; i < V::kWidth; ++i) row[i] = from + least(i, rows - 1) * from_row;
  int64_t k = 0;
  for (; k + V::kWidth <= depth; k += V::kWidth) {
    for (int i = 0; i < V::kWidth; ++i) __builtin_prefetch(row[i] + k + kAhead);
    V block[V::kWidth];
    load_transposed<V::kWidth / kQuad<T>>(row, k, block);
    SF_UNROLL
    for (int t = 0; t < V::kWidth; ++t) block[t].store(to + (k + t) * to_k);
  }
  for (; k < depth; ++k) {
    for (int i = 0; i < V::kWidth; ++i) to[k * to_k + i] = row[i][k];
  }
}

// One panel of NV vectors, the last one of `tail` lanes.
template <class T, int NV, bool kTail>
void pack_panel(T* to, int64_t to_k, const T* from, int64_t from_k, int64_t tail, int64_t depth) {
  using V = Vec<T>;
  constexpr int kAhead = 16;
  for (int64_t k = 0; k < depth; ++k, from += from_k, to += to_k) {
    __builtin_prefetch(from + kAhead * from_k);
    if (NV > 1) __builtin_prefetch(from + kAhead * from_k + NV * V::kWidth - 1);
    SF_UNROLL
    for (int j = 0; j < NV; ++j) {
      const T* at = from + j * V::kWidth;
      (kTail && j == NV - 1 ? V::load_partial(at, tail) : V::load(at)).store(to + j * V::kWidth);
    }
  }
}

// Row by row of the source, whatever the number of panels, so that it is read as it lies in memory.
template <class T>
void pack_panels(T* to, int64_t to_k, const T* from, int64_t from_k, int64_t rows, int64_t depth) {
  using V = Vec<T>;
  constexpr int kAhead = 16;
  for (int64_t k = 0; k < depth; ++k, from += from_k, to += to_k) {
    __builtin_prefetch(from + kAhead * from_k);
    __builtin_prefetch(from + kAhead * from_k + least(rows, to_k) - 1);
    T* panel = to;
    for (int64_t i = 0; i < rows; i += to_k, panel += to_k * depth) {
      const int64_t end = least(to_k, rows - i);
      int64_t j = 0;
      for (; j + V::kWidth <= end; j += V::kWidth) V::load(from + i + j).store(panel + j);
      if (j < end) V::load_partial(from + i + j, end - j).store(panel + j);
    }
  }
}

template <class T>
void pack_copied(T* to, int64_t to_k, const T* from, int64_t from_k, int64_t rows, int64_t depth) {
  constexpr int kWidth = Vec<T>::kWidth;
  const int64_t tail = rows % kWidth;
  if (rows > to_k || rows > 2 * kWidth) return pack_panels(to, to_k, from, from_k, rows, depth);
  if (rows == 2 * kWidth) return pack_panel<T, 2, false>(to, to_k, from, from_k, 0, depth);
  if (rows > kWidth) return pack_panel<T, 2, true>(to, to_k, from, from_k, tail, depth);
  if (rows == kWidth) return pack_panel<T, 1, false>(to, to_k, from, from_k, 0, depth);
  pack_panel<T, 1, true>(to, to_k, from, from_k, tail, depth);
}

template <class T>
void pack_strided(T* to, int64_t to_k, const T* from, int64_t from_row, int64_t from_k,
                  int64_t rows, int64_t depth) {
  for (int64_t k = 0; k < depth; ++k) {
    for (int64_t r = 0; r < Vec<T>::kWidth; ++r) {
      to[r + k * to_k] = from[least(r, rows - 1) * from_row + k * from_k];
    }
  }
}

template <class T>
void pack(T* to, int64_t to_k, const T* from, int64_t from_row, int64_t from_k, int64_t rows,
          int64_t depth) {
  if (from_row == 1) return pack_copied(to, to_k, from, from_k, rows, depth);
  constexpr int kWidth = Vec<T>::kWidth;
  for (int64_t i = 0; i < rows; i += kWidth) {
    T* at = to + i / to_k * to_k * depth + i % to_k;
    const T* source = from + i * from_row;
    const int64_t count = least(kWidth, rows - i);
    if (from_k == 1) {
      pack_transposed(at, to_k, source, from_row, count, depth);
    } else {
      pack_strided(at, to_k, source, from_row, from_k, count, depth);
    }
  }
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
