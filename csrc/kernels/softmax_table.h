// The softmax family's part of the kernel table: one contiguous row of n elements a call.
#pragma once
#include <cstdint>

namespace sf {

template <class T>
struct SoftmaxKernels {
  // y = exp(x) / sum exp(x), or its logarithm; in place is allowed.
  void (*forward)(const T* x, T* y, int64_t n) = nullptr;
  void (*log_forward)(const T* x, T* y, int64_t n) = nullptr;
  // dx = y (g - sum(g y)), or of the logarithm g - exp(y) sum(g).
  void (*backward)(const T* y, const T* g, T* dx, int64_t n) = nullptr;
  void (*log_backward)(const T* y, const T* g, T* dx, int64_t n) = nullptr;
  // log sum exp(x); -inf of an empty sum.
  T (*log_sum_exp)(const T* x, int64_t n) = nullptr;
  // y = scale exp(x - lse); `stream` writes past the caches.
  void (*scaled_exp)(const T* x, T lse, T scale, T* y, int64_t n, bool stream) = nullptr;
};

}  // namespace sf
