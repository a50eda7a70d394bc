// Normalisation. xhat stands for (x - mean) rstd.
#include "kernels/isa/lanes.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
SF_INLINE Vec<T> or_one(const T* w, int64_t i, int64_t left) {
  return w ? load_or(w + i, left, T(0)) : Vec<T>(T(1));
}

template <class T>
void row_apply(const T* x, T* y, int64_t n, T mean, T scale, T shift, const T* w, const T* b,
               int64_t next) {
  using V = Vec<T>;
  const V center = mean, factor = scale, added = shift;
  for_vectors<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    const V xhat = (load_or(x + i, left, T(0)) - center) * factor;
    __builtin_prefetch(x + next + i);
    const V plus = b ? load_or(b + i, left, T(0)) : added;
    store_some(fma(xhat, or_one(w, i, left), plus), y + i, left);
  });
}

template <class T>
void row_deviations(const T* x, int64_t n, T mean, T* sums) {
  const Vec<T> center = mean;
  lane_sums<2>(n, sums, [&](int64_t i, int64_t left, Vec<T>* parts) SF_INLINE_LAMBDA {
    parts[0] = load_or(x + i, left, mean) - center;
    parts[1] = parts[0] * parts[0];
  });
}

// Also of all columns, where `columns`: by_column[0][j] += g, by_column[1][j] += g xhat.
template <bool columns, class T>
SF_INLINE void grad_sums(const T* x, const T* g, int64_t n, T mean, T rstd, const T* w, T* sums,
                         T* const* by_column) {
  const Vec<T> center = mean, factor = rstd;
  lane_sums<2>(n, sums, [&](int64_t i, int64_t left, Vec<T>* parts) SF_INLINE_LAMBDA {
    const Vec<T> xhat = (load_or(x + i, left, mean) - center) * factor;
    const Vec<T> own = load_or(g + i, left, T(0));
    if constexpr (columns) {
      T *first = by_column[0] + i, *second = by_column[1] + i;
      store_some(load_or(first, left, T(0)) + own, first, left);
      store_some(load_or(second, left, T(0)) + own * xhat, second, left);
    }
    parts[0] = own * or_one(w, i, left);
    parts[1] = parts[0] * xhat;
  });
}
template <class T>
void row_grad_sums(const T* x, const T* g, int64_t n, T mean, T rstd, const T* w, T* sums,
                   T* const* by_column) {
  if (by_column) {
    grad_sums<true>(x, g, n, mean, rstd, w, sums, by_column);
  } else {
    grad_sums<false>(x, g, n, mean, rstd, w, sums, by_column);
  }
}

template <class T>
void row_grad(const T* x, const T* g, T* dx, int64_t n, T mean, T rstd, const T* w, T scale, T c0,
              T c1) {
  using V = Vec<T>;
  const V center = mean, factor = rstd, outer = scale, offset = c0, slope = c1;
  for_vectors<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    const V xhat = (load_or(x + i, left, T(0)) - center) * factor;
    const V gw = load_or(g + i, left, T(0)) * or_one(w, i, left);
    store_some(outer * fma(-xhat, slope, gw - offset), dx + i, left);
  });
}

template <class T>
void column_apply(const T* x, T* y, int64_t n, const T* mean, const T* scale, const T* shift) {
  for_vectors<T>(n, [&](int64_t j, int64_t left) SF_INLINE_LAMBDA {
    const Vec<T> d = load_or(x + j, left, T(0)) - load_or(mean + j, left, T(0));
    const Vec<T> plus = load_or(shift + j, left, T(0));
    store_some(fma(d, load_or(scale + j, left, T(0)), plus), y + j, left);
  });
}

// a[j] += part 0 and b[j] += part 1 of f(row, column, lanes left, parts) over all rows in ascending
// order. Some rows together: the sums stay in registers for them, and each is a stream of its own
// that the processor fetches ahead.
template <int kRows, class T, class F>
SF_INLINE void add_rows(int64_t row, int64_t n, T* a, T* b, const F& f) {
  for_vectors<T>(n, [&](int64_t j, int64_t left) SF_INLINE_LAMBDA {
    Vec<T> first = load_or(a + j, left, T(0)), second = load_or(b + j, left, T(0));
    for (int i = 0; i < kRows; ++i) {
      Vec<T> parts[2];
      f(row + i, j, left, parts);
      first += parts[0];
      second += parts[1];
    }
    store_some(first, a + j, left);
    store_some(second, b + j, left);
  });
}
template <class T, class F>
SF_INLINE void column_sums(int64_t rows, int64_t n, T* a, T* b, const F& f) {
  constexpr int kRows = 4;
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows) add_rows<kRows>(r, n, a, b, f);
  for (; r < rows; ++r) add_rows<1>(r, n, a, b, f);
}

template <class T>
void column_deviations(const T* x, int64_t rows, int64_t n, const T* mean, T* sums, T* squares) {
  const auto parts_at = [&](int64_t r, int64_t j, int64_t left, Vec<T>* parts) SF_INLINE_LAMBDA {
    parts[0] = load_or(x + r * n + j, left, T(0)) - load_or(mean + j, left, T(0));
    parts[1] = parts[0] * parts[0];
  };
  column_sums(rows, n, sums, squares, parts_at);
}

template <class T>
void column_grad_sums(const T* x, const T* g, int64_t rows, int64_t n, const T* mean, T* sums,
                      T* products) {
  const auto parts_at = [&](int64_t r, int64_t j, int64_t left, Vec<T>* parts) SF_INLINE_LAMBDA {
    const Vec<T> d = load_or(x + r * n + j, left, T(0)) - load_or(mean + j, left, T(0));
    parts[0] = load_or(g + r * n + j, left, T(0));
    parts[1] = parts[0] * d;
  };
  column_sums(rows, n, sums, products, parts_at);
}

template <class T>
void column_grad(const T* x, const T* g, T* dx, int64_t n, const T* mean, const T* scale,
                 const T* c0, const T* c1) {
  for_vectors<T>(n, [&](int64_t j, int64_t left) SF_INLINE_LAMBDA {
    const auto at = [&](const T* p) SF_INLINE_LAMBDA { return load_or(p + j, left, T(0)); };
    const Vec<T> d = at(x) - at(mean);
    store_some(fma(-d, at(c1), fma(at(g), at(scale), -at(c0))), dx + j, left);
  });
}

// Some columns at a time, whose sums stay close at hand.
template <class T>
void add_bands(const T* x, int64_t bands, int64_t n, double* sums) {
  constexpr int64_t kBlock = 64;
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t width = n - first < kBlock ? n - first : kBlock;
    double total[kBlock] = {};
    for (int64_t i = 0; i < bands; ++i) {
      for (int64_t j = 0; j < width; ++j) total[j] += static_cast<double>(x[i * n + first + j]);
    }
    for (int64_t j = 0; j < width; ++j) sums[first + j] = total[j];
  }
}

template <class T>
bool column_moments(const double* sums, int64_t n, double count, double eps, T* mean, T* var,
                    T* rstd) {
  int far = 0;
  for (int64_t j = 0; j < n; ++j) {
    const double step = sums[j] / count, square = sums[n + j] / count;
    const double spread = square - step * step;
    const double own = spread < 0 ? 0 : spread;  // NaN stays
    far |= step * step * 17 > square * 16;
    mean[j] = static_cast<T>(static_cast<double>(mean[j]) + step);
    var[j] = static_cast<T>(own);
    rstd[j] = static_cast<T>(1 / __builtin_sqrt(own + eps));
  }
  return far == 0;
}

template <class T>
void fill(NormKernels<T>& kernels) {
  kernels.row_apply = row_apply<T>;
  kernels.row_deviations = row_deviations<T>;
  kernels.row_grad_sums = row_grad_sums<T>;
  kernels.row_grad = row_grad<T>;
  kernels.column_apply = column_apply<T>;
  kernels.column_deviations = column_deviations<T>;
  kernels.column_grad_sums = column_grad_sums<T>;
  kernels.column_grad = column_grad<T>;
  kernels.add_bands = add_bands<T>;
  kernels.column_moments = column_moments<T>;
}

}  // namespace

void fill_norm(KernelTable& table);

void fill_norm(KernelTable& table) {
  fill(table.f32.norm);
  fill(table.f64.norm);
}

}  // namespace sf::SF_ISA_NAMESPACE
