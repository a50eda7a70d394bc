// Softmax over rows.
#include "kernels/isa/lanes.h"
#include "kernels/isa/mathfun.h"
#include "kernels/isa/strided.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
T row_max(const T* x, int64_t n) {
  using V = Vec<T>;
  constexpr int kRegisters = 4;  // none waits for the comparison before
  V acc[kRegisters];
  for (V& a : acc) a = V(-Const<T>::kInf);
  int64_t i = 0;
  for (; i + kRegisters * V::kWidth <= n; i += kRegisters * V::kWidth) {
    for (int k = 0; k < kRegisters; ++k) acc[k] = max_nan(acc[k], V::load(x + i + k * V::kWidth));
  }
  for (; i < n; i += V::kWidth) acc[0] = max_nan(acc[0], load_or(x + i, n - i, -Const<T>::kInf));
  const V top = max_nan(max_nan(acc[0], acc[1]), max_nan(acc[2], acc[3]));
  return fold_lanes<V::kWidth / 2>(top, [](V a, V b) { return max_nan(a, b); })[0];
}

template <class T>
SF_INLINE T log_of_scalar(T x) {
  return log(Vec<T>(x))[0];
}

template <class T>
void forward(const T* x, T* y, int64_t n) {
  const Vec<T> top = row_max(x, n);
  const T sum = lane_sum<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    const Vec<T> e = exp(load_or(x + i, left, -Const<T>::kInf) - top);
    store_some(e, y + i, left);
    return e;
  });
  const Vec<T> scale = T(1) / sum;
  for_vectors<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    store_some(load_or(y + i, left, T(0)) * scale, y + i, left);
  });
}

template <class T>
SF_INLINE T sum_exp(const T* x, int64_t n, Vec<T> top) {
  return lane_sum<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    __builtin_prefetch(x + i + n);  // the next row
    return exp(load_or(x + i, left, -Const<T>::kInf) - top);
  });
}

template <class T>
void log_forward(const T* x, T* y, int64_t n) {
  const Vec<T> top = row_max(x, n);
  const Vec<T> log_sum = log_of_scalar(sum_exp(x, n, top));
  for_vectors<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    store_some((load_or(x + i, left, T(0)) - top) - log_sum, y + i, left);
  });
}

template <class T>
T log_sum_exp(const T* x, int64_t n) {
  const T top = row_max(x, n);
  const bool finite = top - top == T(0);
  return finite ? top + log_of_scalar(sum_exp(x, n, Vec<T>(top))) : top;
}

// Element c of as many rows as a register has lanes.
template <class T>
SF_INLINE Vec<T> column(const T* x, int64_t n, int64_t rows) {
  const int64_t left = (rows - 1) * n + 1;
  return n == 2 ? load_strided<2>(x, n, left) : load_strided<0>(x, n, left);
}

// Rows in lanes; the sums are folded as lane_sum folds its lanes.
template <class T>
void short_log_sum_exps(const T* x, T* y, int64_t rows, int64_t n) {
  using V = Vec<T>;
  for_vectors<T>(rows, [&](int64_t i, int64_t left) {
    V e[kShortRow];
    V top = -Const<T>::kInf;
    for (int64_t c = 0; c < n; ++c) {
      e[c] = column(x + i * n + c, n, left);
      top = max_nan(top, e[c]);
    }
    for (int64_t c = 0; c < n; ++c) e[c] = exp(e[c] - top);
    for (int64_t half = kShortRow / 2; half; half /= 2) {
      for (int64_t c = 0; c < half && c + half < n; ++c) e[c] += e[c + half];
    }
    store_some(select(top - top == T(0), top + log(e[0]), top), y + i, left);
  });
}

template <class T>
void scaled_exp(const T* x, T lse, T scale, T* y, int64_t n, bool stream) {
  using V = Vec<T>;
  const auto value = [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    __builtin_prefetch(x + i + n);  // the next row
    return exp(load_or(x + i, left, T(0)) - lse) * scale;
  };
  int64_t i = 0;
  if (stream) {
    const auto past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(y) / sizeof(T) % V::kWidth);
    if (past) i = V::kWidth - past < n ? V::kWidth - past : n;
    if (i) value(0, i).store_partial(y, i);
    for (; i + V::kWidth <= n; i += V::kWidth) value(i, V::kWidth).stream(y + i);
    stream_fence();
  }
  for (; i + V::kWidth <= n; i += V::kWidth) value(i, V::kWidth).store(y + i);
  if (i < n) value(i, n - i).store_partial(y + i, n - i);
}

template <class T>
void backward(const T* y, const T* g, T* dx, int64_t n) {
  const Vec<T> dot = lane_sum<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    return load_or(g + i, left, T(0)) * load_or(y + i, left, T(0));
  });
  for_vectors<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    const Vec<T> p = load_or(y + i, left, T(0));
    store_some(p * (load_or(g + i, left, T(0)) - dot), dx + i, left);
  });
}
template <class T>
void log_backward(const T* y, const T* g, T* dx, int64_t n) {
  const Vec<T> sum = lane_sum<T>(
      n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA { return load_or(g + i, left, T(0)); });
  for_vectors<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    const Vec<T> p = exp(load_or(y + i, left, T(0)));
    store_some(fma(-p, sum, load_or(g + i, left, T(0))), dx + i, left);
  });
}

template <class T>
void fill(SoftmaxKernels<T>& kernels) {
  kernels = {forward<T>,     log_forward<T>,        backward<T>,  log_backward<T>,
             log_sum_exp<T>, short_log_sum_exps<T>, scaled_exp<T>};
}

}  // namespace

void fill_softmax(KernelTable& table);

void fill_softmax(KernelTable& table) {
  fill(table.f32.softmax);
  fill(table.f64.softmax);
}

}  // namespace sf::SF_ISA_NAMESPACE
