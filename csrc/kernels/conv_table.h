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

template <class T>
struct ConvKernels {
  // Every element of C is one chain of fused multiply-adds in ascending k.
  void (*indexed)(const IndexedPanel<T>& panel) = nullptr;

  // to[k * to_k + span.to + i] = from[at[k] + span.from + i]. Whole vectors are read and written in
  // ascending order, so that the last of a row spills over its end.
  void (*gather)(T* to, int64_t to_k, int64_t depth, const T* from, const int32_t* at,
                 const Span* spans, int64_t count) = nullptr;

  // Rows of `pitch` numbers: `left` zeros, `width` numbers of `from`, zeros. Whole vectors are
  // written, the last one beyond the last row.
  void (*pad_rows)(T* to, int64_t pitch, const T* from, int64_t from_row, int64_t rows,
                   int64_t left, int64_t width) = nullptr;
};

}  // namespace sf
