// Reductions of contiguous elements and of the columns of a matrix.
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
struct Sum {
  static constexpr T kStart = 0;
  static SF_INLINE Vec<T> take(Vec<T> acc, Vec<T> x) { return acc + x; }
  static SF_INLINE Vec<T> join(Vec<T> a, Vec<T> b) { return a + b; }
};
template <class T>
struct SumSquares : Sum<T> {
  static SF_INLINE Vec<T> take(Vec<T> acc, Vec<T> x) { return fma(x, x, acc); }
};
template <class T>
struct Product {
  static constexpr T kStart = 1;
  static SF_INLINE Vec<T> take(Vec<T> acc, Vec<T> x) { return acc * x; }
  static SF_INLINE Vec<T> join(Vec<T> a, Vec<T> b) { return a * b; }
};
template <class T>
struct Max {
  static constexpr T kStart = -__builtin_inf();
  static SF_INLINE Vec<T> take(Vec<T> acc, Vec<T> x) { return max_nan(acc, x); }
  static SF_INLINE Vec<T> join(Vec<T> a, Vec<T> b) { return max_nan(a, b); }
};
template <class T>
struct Min {
  static constexpr T kStart = __builtin_inf();
  static SF_INLINE Vec<T> take(Vec<T> acc, Vec<T> x) { return min_nan(acc, x); }
  static SF_INLINE Vec<T> join(Vec<T> a, Vec<T> b) { return min_nan(a, b); }
};

// kReduceLanes lanes in as many registers as it takes; a short tail is filled up with `fill`.
template <class Op, class T, class Change>
SF_INLINE T reduce_row(const T* x, int64_t n, T fill, const Change& change) {
  using V = Vec<T>;
  constexpr int kRegisters = kReduceLanes / V::kWidth;
  V acc[kRegisters];
  for (int r = 0; r < kRegisters; ++r) acc[r] = V(Op::kStart);
  int64_t i = 0;
  for (; i + kReduceLanes <= n; i += kReduceLanes) {
    for (int r = 0; r < kRegisters; ++r) {
      acc[r] = Op::take(acc[r], change(V::load(x + i + r * V::kWidth)));
    }
  }
  for (int r = 0; r < kRegisters; ++r) {
    const int64_t left = n - i - r * V::kWidth;
    if (left <= 0) break;
    const V last = left >= V::kWidth ? V::load(x + i + r * V::kWidth)
                                     : V::load_partial_or(x + i + r * V::kWidth, left, V(fill));
    acc[r] = Op::take(acc[r], change(last));
  }
  for (int half = kRegisters / 2; half; half /= 2) {
    for (int r = 0; r < half; ++r) acc[r] = Op::join(acc[r], acc[r + half]);
  }
  return fold_lanes<V::kWidth / 2>(acc[0], [](V a, V b) { return Op::join(a, b); })[0];
}

template <class Op, class T>
T rows(const T* x, int64_t n) {
  return reduce_row<Op>(x, n, Op::kStart, [](Vec<T> v) { return v; });
}
template <class T>
T square_rows(const T* x, int64_t n) {
  return reduce_row<SumSquares<T>>(x, n, T(0), [](Vec<T> v) { return v; });
}
template <class T>
T centered_sumsq(const T* x, int64_t n, T mean) {
  const Vec<T> center = mean;
  return reduce_row<SumSquares<T>>(x, n, mean, [&](Vec<T> v) { return v - center; });
}

// A strip of columns stays in registers while the rows go by.
template <class Op, int kRegisters, class T>
SF_INLINE void strip(const T* x, int64_t stride, int64_t rows, T* acc) {
  using V = Vec<T>;
  V sums[kRegisters];
  for (int k = 0; k < kRegisters; ++k) sums[k] = V::load(acc + k * V::kWidth);
  for (int64_t r = 0; r < rows; ++r) {
    for (int k = 0; k < kRegisters; ++k) {
      sums[k] = Op::take(sums[k], V::load(x + r * stride + k * V::kWidth));
    }
  }
  for (int k = 0; k < kRegisters; ++k) sums[k].store(acc + k * V::kWidth);
}
template <class Op, class T>
void columns(const T* x, int64_t stride, int64_t rows, int64_t n, T* acc) {
  using V = Vec<T>;
  constexpr int kRegisters = 4;
  int64_t j = 0;
  for (; j + kRegisters * V::kWidth <= n; j += kRegisters * V::kWidth) {
    strip<Op, kRegisters>(x + j, stride, rows, acc + j);
  }
  for (; j + V::kWidth <= n; j += V::kWidth) strip<Op, 1>(x + j, stride, rows, acc + j);
  if (j == n) return;
  V sum = V::load_partial(acc + j, n - j);
  for (int64_t r = 0; r < rows; ++r) {
    sum = Op::take(sum, V::load_partial(x + r * stride + j, n - j));
  }
  sum.store_partial(acc + j, n - j);
}

template <class T>
void fill(ReduceKernels<T>& kernels) {
  const auto add = [&](Reduce op, auto* row, auto* column) {
    kernels.rows[static_cast<int>(op)] = row;
    kernels.columns[static_cast<int>(op)] = column;
  };
  add(Reduce::sum, rows<Sum<T>, T>, columns<Sum<T>, T>);
  add(Reduce::prod, rows<Product<T>, T>, columns<Product<T>, T>);
  add(Reduce::max, rows<Max<T>, T>, columns<Max<T>, T>);
  add(Reduce::min, rows<Min<T>, T>, columns<Min<T>, T>);
  add(Reduce::sumsq, square_rows<T>, columns<SumSquares<T>, T>);
  kernels.centered_sumsq = centered_sumsq<T>;
}

}  // namespace

void fill_reduce(KernelTable& table);

void fill_reduce(KernelTable& table) {
  fill(table.f32.reduce);
  fill(table.f64.reduce);
}

}  // namespace sf::SF_ISA_NAMESPACE
