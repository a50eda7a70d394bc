// The normalisations' part of the kernel table. xhat stands for (x - mean) rstd.
#pragma once
#include <cstdint>

namespace sf {

template <class T>
struct NormKernels {
  // Rows: n contiguous elements of one mean. w and b hold a number for each, or are null.
  // y = (x - mean) scale w + b, with the number `shift` in place of b where that is null. What is
  // read next, `next` elements on, is fetched on the way.
  void (*row_apply)(const T* x, T* y, int64_t n, T mean, T scale, T shift, const T* w, const T* b,
                    int64_t next) = nullptr;
  // Sum of x - mean, and of its square.
  void (*row_deviations)(const T* x, int64_t n, T mean, T* sums) = nullptr;
  // Sum of g w, and of g w xhat. Also by_column[0][j] += g and by_column[1][j] += g xhat, unless
  // that is null.
  void (*row_grad_sums)(const T* x, const T* g, int64_t n, T mean, T rstd, const T* w, T* sums,
                        T* const* by_column) = nullptr;
  // dx = scale (g w - c0 - xhat c1)
  void (*row_grad)(const T* x, const T* g, T* dx, int64_t n, T mean, T rstd, const T* w, T scale,
                   T c0, T c1) = nullptr;

  // Columns: rows of n contiguous elements, each column with a mean of its own.
  // y = (x - mean) scale + shift, one row.
  void (*column_apply)(const T* x, T* y, int64_t n, const T* mean, const T* scale,
                       const T* shift) = nullptr;
  // sums[j] += x - mean, squares[j] += (x - mean)^2, over rows in ascending order.
  void (*column_deviations)(const T* x, int64_t rows, int64_t n, const T* mean, T* sums,
                            T* squares) = nullptr;
  // sums[j] += g, products[j] += g (x - mean)
  void (*column_grad_sums)(const T* x, const T* g, int64_t rows, int64_t n, const T* mean, T* sums,
                           T* products) = nullptr;
  // dx = scale g - c0 - (x - mean) c1, one row.
  void (*column_grad)(const T* x, const T* g, T* dx, int64_t n, const T* mean, const T* scale,
                      const T* c0, const T* c1) = nullptr;
  // sums[j] = the sum of x[band, j] over bands in ascending order.
  void (*add_bands)(const T* x, int64_t bands, int64_t n, double* sums) = nullptr;
  // From the sums of x - mean and, n on, of its square, over `count` rows: mean += its step, var
  // (divisor count) and rstd. Whether every step is at most 4 standard deviations.
  bool (*column_moments)(const double* sums, int64_t n, double count, double eps, T* mean, T* var,
                         T* rstd) = nullptr;
};

}  // namespace sf
