// The part of the kernel table for pooling and for separable linear maps of planes (H, W).
#pragma once
#include <cstdint>

namespace sf {

// The windows along one axis: window i reads positions first[i] + k dilation for k < count[i], all
// of them inside. Those in [lo, hi) have all `kernel` positions and lie `stride` apart.
struct WindowMap {
  int64_t in, out, kernel, stride, dilation;
  const int32_t *first, *count;
  int64_t lo, hi;
};
struct MaxMap {
  WindowMap h, w;
};

// A sparse matrix along one axis: output i is the sum of weight * input[column] over count[i] taps.
// Tap k of output i stands at k * out + i of column and weight; weight may be null: all 1. Outputs
// in [lo, hi) have equally many taps; where step is 1 or 2, theirs are neighbours, and the first
// tap moves by step from one output to the next.
template <class T>
struct AxisMap {
  int64_t in, out;
  const int32_t *count, *column;
  const T* weight;
  int64_t lo, hi, step;
  bool identity;
  bool picks;  // each output is one element of the input
};

// y = H x W^T, where (i, j) is divided by h_divisor[i] w_divisor[j] (unless null): in y, or already
// in x if divide_first.
template <class T>
struct PlaneMap {
  AxisMap<T> h, w;
  const T *h_divisor, *w_divisor;
  bool divide_first;
  bool rows_first;  // sums rows, then along them; else the other way round
};

template <class T>
struct PoolKernels {
  // The largest element of each window, a NaN if there is one; at (unless null): its position in
  // the plane, the first of equal ones, -1 of an empty window.
  void (*max_plane)(const MaxMap& map, const T* x, T* y, int32_t* at) = nullptr;
  // Where windows of 2 x 2 tile the plane: dx = g at the positions `at`, else 0.
  void (*place_2x2)(const MaxMap& map, const T* g, const int32_t* at, T* dx) = nullptr;
  // scratch: the plane x if divide_first, and a row of x (rows_first) or the plane x W^T.
  void (*map_plane)(const PlaneMap<T>& map, const T* x, T* y, T* scratch) = nullptr;
};

}  // namespace sf
