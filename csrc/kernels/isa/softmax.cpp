// Softmax over rows.
#include "kernels/isa/lanes.h"
#include "kernels/isa/mathfun.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
T row_max(const T* x, int64_t n) {
  using V = Vec<T>;
  V acc = V(-Const<T>::kInf);
  for (int64_t i = 0; i < n; i += V::kWidth)
    acc = max_nan(acc, load_or(x + i, n - i, -Const<T>::kInf));
  return fold_lanes<V::kWidth / 2>(acc, [](V a, V b) { return max_nan(a, b); })[0];
}

template <class T>
SF_INLINE T log_of_scalar(T x) {
  return log(Vec<T>(x))[0];
}

template <class T>
void forward(const T* x, T* y, int64_t n) {
  const Vec<T> top = row_max(x, n);
  const T sum = lane_sum<T>(n, [&](int64_t i, int64_t left) {
    const Vec<T> e = exp(load_or(x + i, left, -Const<T>::kInf) - top);
    store_some(e, y + i, left);
    return e;
  });
  const Vec<T> scale = T(1) / sum;
  for (int64_t i = 0; i < n; i += Vec<T>::kWidth) {
    store_some(load_or(y + i, n - i, T(0)) * scale, y + i, n - i);
  }
}

template <class T>
SF_INLINE T sum_exp(const T* x, int64_t n, Vec<T> top) {
  return lane_sum<T>(
      n, [&](int64_t i, int64_t left) { return exp(load_or(x + i, left, -Const<T>::kInf) - top); });
}

template <class T>
void log_forward(const T* x, T* y, int64_t n) {
  const Vec<T> top = row_max(x, n);
  const Vec<T> log_sum = log_of_scalar(sum_exp(x, n, top));
  for (int64_t i = 0; i < n; i += Vec<T>::kWidth) {
    store_some((load_or(x + i, n - i, T(0)) - top) - log_sum, y + i, n - i);
  }
}

template <class T>
T log_sum_exp(const T* x, int64_t n) {
  const T top = row_max(x, n);
  const bool finite = top - top == T(0);
  return finite ? top + log_of_scalar(sum_exp(x, n, Vec<T>(top))) : top;
}

template <class T>
void scaled_exp(const T* x, T lse, T scale, T* y, int64_t n) {
  for (int64_t i = 0; i < n; i += Vec<T>::kWidth) {
    store_some(exp(load_or(x + i, n - i, T(0)) - lse) * scale, y + i, n - i);
  }
}

template <class T>
void backward(const T* y, const T* g, T* dx, int64_t n) {
  const Vec<T> dot = lane_sum<T>(n, [&](int64_t i, int64_t left) {
    return load_or(g + i, left, T(0)) * load_or(y + i, left, T(0));
  });
  for (int64_t i = 0; i < n; i += Vec<T>::kWidth) {
    const Vec<T> p = load_or(y + i, n - i, T(0));
    store_some(p * (load_or(g + i, n - i, T(0)) - dot), dx + i, n - i);
  }
}
template <class T>
void log_backward(const T* y, const T* g, T* dx, int64_t n) {
  const Vec<T> sum =
      lane_sum<T>(n, [&](int64_t i, int64_t left) { return load_or(g + i, left, T(0)); });
  for (int64_t i = 0; i < n; i += Vec<T>::kWidth) {
    const Vec<T> p = exp(load_or(y + i, n - i, T(0)));
    store_some(fma(-p, sum, load_or(g + i, n - i, T(0))), dx + i, n - i);
  }
}

template <class T>
void fill(SoftmaxKernels<T>& kernels) {
  kernels = {forward<T>,      log_forward<T>, backward<T>,
             log_backward<T>, log_sum_exp<T>, scaled_exp<T>};
}

}  // namespace

void fill_softmax(KernelTable& table);

void fill_softmax(KernelTable& table) {
  fill(table.f32.softmax);
  fill(table.f64.softmax);
}

}  // namespace sf::SF_ISA_NAMESPACE
