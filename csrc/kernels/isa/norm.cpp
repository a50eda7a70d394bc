// Normalisation. xhat stands for (x - mean) rstd.
#include "kernels/isa/lanes.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
SF_INLINE Vec<T> or_one(const T* w, int64_t i, int64_t left) {
  return w ? load_or(w + i, left, T(0)) : Vec<T>(T(1));
}

template <class T>
void row_apply(const T* x, T* y, int64_t n, T mean, T scale, T shift, const T* w, const T* b) {
  using V = Vec<T>;
  const V center = mean, factor = scale, added = shift;
  for (int64_t i = 0; i < n; i += V::kWidth) {
    const int64_t left = n - i;
    const V xhat = (load_or(x + i, left, T(0)) - center) * factor;
    const V plus = b ? load_or(b + i, left, T(0)) : added;
    store_some(fma(xhat, or_one(w, i, left), plus), y + i, left);
  }
}

template <class T>
void row_deviations(const T* x, int64_t n, T mean, T* sums) {
  const Vec<T> center = mean;
  lane_sums<2>(n, sums, [&](int64_t i, int64_t left, Vec<T>* parts) {
    parts[0] = load_or(x + i, left, mean) - center;
    parts[1] = parts[0] * parts[0];
  });
}

template <class T>
void row_grad_sums(const T* x, const T* g, int64_t n, T mean, T rstd, const T* w, T* sums) {
  const Vec<T> center = mean, factor = rstd;
  lane_sums<2>(n, sums, [&](int64_t i, int64_t left, Vec<T>* parts) {
    const Vec<T> xhat = (load_or(x + i, left, mean) - center) * factor;
    parts[0] = load_or(g + i, left, T(0)) * or_one(w, i, left);
    parts[1] = parts[0] * xhat;
  });
}

template <class T>
void row_grad(const T* x, const T* g, T* dx, int64_t n, T mean, T rstd, const T* w, T scale, T c0,
              T c1) {
  using V = Vec<T>;
  const V center = mean, factor = rstd, outer = scale, offset = c0, slope = c1;
  for (int64_t i = 0; i < n; i += V::kWidth) {
    const int64_t left = n - i;
    const V xhat = (load_or(x + i, left, T(0)) - center) * factor;
    const V gw = load_or(g + i, left, T(0)) * or_one(w, i, left);
    store_some(outer * fma(-xhat, slope, gw - offset), dx + i, left);
  }
}

template <class T>
void column_apply(const T* x, T* y, int64_t n, const T* mean, const T* scale, const T* shift) {
  for (int64_t j = 0; j < n; j += Vec<T>::kWidth) {
    const int64_t left = n - j;
    const Vec<T> d = load_or(x + j, left, T(0)) - load_or(mean + j, left, T(0));
    const Vec<T> plus = load_or(shift + j, left, T(0));
    store_some(fma(d, load_or(scale + j, left, T(0)), plus), y + j, left);
  }
}

// a[j] += part 0 and b[j] += part 1 of f(row, column, lanes left, parts) over all rows, for
// kRegisters registers of columns from j on: they stay where they are while the rows go by.
template <int kRegisters, class T, class F>
SF_INLINE void column_strip(int64_t rows, int64_t j, int64_t n, T* a, T* b, const F& f) {
  using V = Vec<T>;
  V first[kRegisters], second[kRegisters];
  for (int k = 0; k < kRegisters; ++k) {
    const int64_t at = j + k * V::kWidth;
    first[k] = load_or(a + at, n - at, T(0));
    second[k] = load_or(b + at, n - at, T(0));
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int k = 0; k < kRegisters; ++k) {
      const int64_t at = j + k * V::kWidth;
      V parts[2];
      f(r, at, n - at, parts);
      first[k] += parts[0];
      second[k] += parts[1];
    }
  }
  for (int k = 0; k < kRegisters; ++k) {
    const int64_t at = j + k * V::kWidth;
    store_some(first[k], a + at, n - at);
    store_some(second[k], b + at, n - at);
  }
}
template <class T, class F>
SF_INLINE void column_sums(int64_t rows, int64_t n, T* a, T* b, const F& f) {
  constexpr int kRegisters = 4;
  int64_t j = 0;
  for (; j + kRegisters * Vec<T>::kWidth <= n; j += kRegisters * Vec<T>::kWidth) {
    column_strip<kRegisters>(rows, j, n, a, b, f);
  }
  for (; j < n; j += Vec<T>::kWidth) column_strip<1>(rows, j, n, a, b, f);
}

template <class T>
void column_deviations(const T* x, int64_t rows, int64_t n, const T* mean, T* sums, T* squares) {
  column_sums(rows, n, sums, squares, [&](int64_t r, int64_t j, int64_t left, Vec<T>* parts) {
    parts[0] = load_or(x + r * n + j, left, T(0)) - load_or(mean + j, left, T(0));
    parts[1] = parts[0] * parts[0];
  });
}

template <class T>
void column_grad_sums(const T* x, const T* g, int64_t rows, int64_t n, const T* mean, T* sums,
                      T* products) {
  column_sums(rows, n, sums, products, [&](int64_t r, int64_t j, int64_t left, Vec<T>* parts) {
    const Vec<T> d = load_or(x + r * n + j, left, T(0)) - load_or(mean + j, left, T(0));
    parts[0] = load_or(g + r * n + j, left, T(0));
    parts[1] = parts[0] * d;
  });
}

template <class T>
void column_grad_sums_by_row(const T* x, const T* g, int64_t rows, int64_t n, const T* mean,
                             const T* rstd, T* sums, T* products) {
  column_sums(rows, n, sums, products, [&](int64_t r, int64_t j, int64_t left, Vec<T>* parts) {
    const Vec<T> xhat = (load_or(x + r * n + j, left, T(0)) - Vec<T>(mean[r])) * Vec<T>(rstd[r]);
    parts[0] = load_or(g + r * n + j, left, T(0));
    parts[1] = parts[0] * xhat;
  });
}

template <class T>
void column_grad(const T* x, const T* g, T* dx, int64_t n, const T* mean, const T* scale,
                 const T* c0, const T* c1) {
  for (int64_t j = 0; j < n; j += Vec<T>::kWidth) {
    const int64_t left = n - j;
    const auto at = [&](const T* p) { return load_or(p + j, left, T(0)); };
    const Vec<T> d = at(x) - at(mean);
    store_some(fma(-d, at(c1), fma(at(g), at(scale), -at(c0))), dx + j, left);
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
}

}  // namespace

void fill_norm(KernelTable& table);

void fill_norm(KernelTable& table) {
  fill(table.f32.norm);
  fill(table.f64.norm);
}

}  // namespace sf::SF_ISA_NAMESPACE
