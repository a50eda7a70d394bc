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

template <class T>
void row_grad_sums(const T* x, const T* g, int64_t n, T mean, T rstd, const T* w, T* sums) {
  const Vec<T> center = mean, factor = rstd;
  lane_sums<2>(n, sums, [&](int64_t i, int64_t left, Vec<T>* parts) SF_INLINE_LAMBDA {
    const Vec<T> xhat = (load_or(x + i, left, mean) - center) * factor;
    parts[0] = load_or(g + i, left, T(0)) * or_one(w, i, left);
    parts[1] = parts[0] * xhat;
  });
}

template <class T>
void row_grad(const T* x, const T* g, T* dx, int64_t n, T mean, T rstd, const T* w, T scale, T c0,
              T c1, int64_t next) {
  using V = Vec<T>;
  const V center = mean, factor = rstd, outer = scale, offset = c0, slope = c1;
  for_vectors<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    const V xhat = (load_or(x + i, left, T(0)) - center) * factor;
    __builtin_prefetch(x + next + i);
    __builtin_prefetch(g + next + i);
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
void column_grad_sums_by_row(const T* x, const T* g, int64_t rows, int64_t n, const T* mean,
                             const T* rstd, T* sums, T* products) {
  const auto parts_at = [&](int64_t r, int64_t j, int64_t left, Vec<T>* parts) SF_INLINE_LAMBDA {
    const Vec<T> xhat = (load_or(x + r * n + j, left, T(0)) - Vec<T>(mean[r])) * Vec<T>(rstd[r]);
    parts[0] = load_or(g + r * n + j, left, T(0));
    parts[1] = parts[0] * xhat;
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

template <class T>
void add_bands(const T* x, int64_t bands, int64_t n, double* sums) {
  for (int64_t i = 0; i < bands; ++i) {
    for (int64_t j = 0; j < n; ++j) sums[j] += static_cast<double>(x[i * n + j]);
  }
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
  kernels.column_grad_sums_by_row = column_grad_sums_by_row<T>;
  kernels.column_grad = column_grad<T>;
  kernels.add_bands = add_bands<T>;
}

}  // namespace

void fill_norm(KernelTable& table);

void fill_norm(KernelTable& table) {
  fill(table.f32.norm);
  fill(table.f64.norm);
}

}  // namespace sf::SF_ISA_NAMESPACE
