// The softmax family's part of the kernel table: mostly one contiguous row of n elements a call.
#pragma once
#include <cstdint>

namespace sf {

constexpr int64_t kShortRow = 16;  // elements; rows up to that share a register

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
  // The same for each of `rows` rows one behind the other, n <= kShortRow.
  void (*short_log_sum_exps)(const T* x, T* y, int64_t rows, int64_t n) = nullptr;
  // y = scale exp(x - lse); `stream` writes past the caches.
  void (*scaled_exp)(const T* x, T lse, T scale, T* y, int64_t n, bool stream) = nullptr;
};

}  // namespace sf
