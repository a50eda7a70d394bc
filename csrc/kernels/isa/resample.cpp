// Separable linear maps of one plane: sparse sums of rows, and of the elements of a row.
#include "kernels/isa/strided.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

// y = sum over the taps of output i of the rows of x (n elements each).
template <class T>
void sum_rows(const AxisMap<T>& a, int64_t i, const T* x, int64_t n, T* y) {
  using V = Vec<T>;
  const int64_t taps = a.count[i];
  for (int64_t j = 0; j < n; j += V::kWidth) {
    V sum = T(0);
    for (int64_t k = 0; k < taps; ++k) {
      const int64_t tap = k * a.out + i;
      const V value = load_or(x + a.column[tap] * n + j, n - j, T(0));
      if (a.weight) {
        const V weight = a.weight[tap];
        sum = k == 0 ? value * weight : fma(value, weight, sum);
      } else {
        sum = k == 0 ? value : sum + value;
      }
    }
    store_some(sum, y + j, n - j);
  }
}

// Outputs [begin, end) one by one.
template <class T>
void sum_singly(const AxisMap<T>& a, const T* x, int64_t begin, int64_t end, T* y) {
  for (int64_t j = begin; j < end; ++j) {
    T sum = 0;
    for (int64_t k = 0; k < a.count[j]; ++k) {
      const int64_t tap = k * a.out + j;
      const T value = a.weight ? x[a.column[tap]] * a.weight[tap] : x[a.column[tap]];
      sum = k == 0 ? value : sum + value;
    }
    y[j] = sum;
  }
}

// Outputs [lo, hi), a lane each.
template <int kStep, class T>
void sum_lanes(const AxisMap<T>& a, const T* x, T* y) {
  using V = Vec<T>;
  const int64_t taps = a.lo < a.hi ? a.count[a.lo] : 0;
  for (int64_t j = a.lo; j < a.hi; j += V::kWidth) {
    const int64_t left = a.hi - j;
    V sum = T(0);
    for (int64_t k = 0; k < taps; ++k) {
      const int32_t* column = a.column + k * a.out + j;
      V value;
      if constexpr (kStep == 0) value = gather(x, column, left);
      if constexpr (kStep != 0) value = load_strided<kStep>(x + *column, kStep, a.in - *column);
      if (a.weight) {
        const V weight = load_or(a.weight + k * a.out + j, left, T(0));
        sum = k == 0 ? value * weight : fma(value, weight, sum);
      } else {
        sum = k == 0 ? value : sum + value;
      }
    }
    store_some(sum, y + j, left);
  }
}

template <class T>
void sum_columns(const AxisMap<T>& a, const T* x, T* y) {
  sum_singly(a, x, 0, a.lo, y);
  if (a.step == 1) sum_lanes<1>(a, x, y);
  if (a.step == 2) sum_lanes<2>(a, x, y);
  if (a.step == 0) sum_lanes<0>(a, x, y);
  sum_singly(a, x, a.hi, a.out, y);
}

// y = x / (divisor of the row times those of the columns)
template <class T>
void divide_row(const T* x, T row, const T* columns, int64_t n, T* y) {
  using V = Vec<T>;
  for (int64_t j = 0; j < n; j += V::kWidth) {
    const V divisor = load_or(columns + j, n - j, T(1)) * V(row);
    store_some(load_or(x + j, n - j, T(0)) / divisor, y + j, n - j);
  }
}

template <class T>
void map_rows_first(const PlaneMap<T>& p, const T* x, T* y, T* scratch) {
  for (int64_t i = 0; i < p.h.out; ++i) {
    T* to = y + i * p.w.out;
    const T* line = scratch;
    if (p.h.picks && !p.w.identity) {
      line = x + p.h.column[i] * p.w.in;
    } else {
      sum_rows(p.h, i, x, p.w.in, p.w.identity ? to : scratch);
    }
    if (!p.w.identity) sum_columns(p.w, line, to);
    if (p.h_divisor && !p.divide_first) divide_row(to, p.h_divisor[i], p.w_divisor, p.w.out, to);
  }
}

template <class T>
void map_columns_first(const PlaneMap<T>& p, const T* x, T* y, T* scratch) {
  for (int64_t i = 0; i < p.h.in; ++i) sum_columns(p.w, x + i * p.w.in, scratch + i * p.w.out);
  for (int64_t i = 0; i < p.h.out; ++i) {
    T* to = y + i * p.w.out;
    sum_rows(p.h, i, scratch, p.w.out, to);
    if (p.h_divisor && !p.divide_first) divide_row(to, p.h_divisor[i], p.w_divisor, p.w.out, to);
  }
}

template <class T>
void map_plane(const PlaneMap<T>& p, const T* x, T* y, T* scratch) {
  if (p.divide_first) {
    for (int64_t i = 0; i < p.h.in; ++i) {
      const int64_t row = i * p.w.in;
      divide_row(x + row, p.h_divisor[i], p.w_divisor, p.w.in, scratch + row);
    }
    x = scratch;
    scratch += p.h.in * p.w.in;
  }
  p.rows_first ? map_rows_first(p, x, y, scratch) : map_columns_first(p, x, y, scratch);
}

}  // namespace

void fill_resample(KernelTable& table);

void fill_resample(KernelTable& table) {
  table.f32.pool.map_plane = map_plane<float>;
  table.f64.pool.map_plane = map_plane<double>;
}

}  // namespace sf::SF_ISA_NAMESPACE
