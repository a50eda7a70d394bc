// The convolutions' part of the kernel table.
#pragma once
#include <cstdint>

namespace sf {

// C (m rows, `vecs` vectors) = or += A B, with the rows of B anywhere in memory: row k of vector j
// begins at b + b_at[k] + j * b_vec. Whole vectors of B are read; of C, vectors have `lanes`
// columns, the last one `last`.
template <class T>
struct IndexedPanel {
  int64_t m, k;  // m <= GemmKernels::rows
  int64_t vecs, lanes, last;
  const T* a;  // a[k * a_k + i]
  int64_t a_k;
  const T* b;
  const int32_t* b_at;
  int64_t b_vec;
  T* c;
  int64_t c_row, c_vec;
  bool add;       // to what C holds; else C is not read
  const T* bias;  // m numbers, added to the rows of C at the end, or null
};

// A piece of a row of B: n columns that lie side by side, and the column they go to.
struct Span {
  int32_t from, to, n;
};

constexpr int kDotLanes = 16;  // running sums of a product over pixels

// Sums over the pixels of an image, lane by lane: column x goes to lane x % kDotLanes of
// sums[(i * row + t) * kDotLanes], which gains a[i] times the tap b_at[t] of b.
template <class T>
struct DotPanel {
  int64_t m, taps;  // m <= ConvKernels::dot_rows
  int64_t rows, cols;
  const T* a;
  int64_t a_row, a_y;  // strides of i and of rows of pixels
  const T* b;
  const int32_t* b_at;
  int64_t b_y;
  T* sums;
  int64_t row;
};

template <class T>
struct ConvKernels {
  int dot_rows = 0;
  // Every element of C is one chain of fused multiply-adds in ascending k.
  void (*indexed)(const IndexedPanel<T>& panel) = nullptr;

  // to[k * to_k + span.to + i] = from[at[k] + span.from + i]. Whole vectors are read and written in
  // ascending order, so that the last of a row spills over its end.
  void (*gather)(T* to, int64_t to_k, int64_t depth, const T* from, const int32_t* at,
                 const Span* spans, int64_t count) = nullptr;

  // to[r * pitch + left + i] = from[r * from_row + i], i < width: rows into the middle of a copy
  // with zeros around them, which are not touched.
  void (*pad_rows)(T* to, int64_t pitch, const T* from, int64_t from_row, int64_t rows,
                   int64_t left, int64_t width) = nullptr;

  void (*dot)(const DotPanel<T>& panel) = nullptr;

  // to[i] = from[2 i] and to[2 i] = from[i] + add, i < n; nothing else is touched.
  void (*take_second)(T* to, const T* from, int64_t n) = nullptr;
  void (*put_second)(T* to, const T* from, int64_t n, T add) = nullptr;
};

}  // namespace sf
