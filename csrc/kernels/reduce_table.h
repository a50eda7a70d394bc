// The reductions' part of the kernel table.
#pragma once
#include <cstdint>

namespace sf {

enum class Reduce : uint8_t { sum, prod, max, min, sumsq, any, all, argmax, argmin, mean };
constexpr int kNumFloatReductions = 5;  // sum to sumsq have kernels for float and double
constexpr int64_t kReduceChunk = 4096;  // elements of a partial result
constexpr int kReduceLanes = 32;        // partial results inside a chunk, on every ISA

template <class T>
struct ReduceKernels {
  // The reduction of n <= kReduceChunk contiguous elements: element i belongs to lane
  // i % kReduceLanes, lanes are folded by halves. NaN goes through.
  T (*rows[kNumFloatReductions])(const T* x, int64_t n) = {};
  // acc[j] = reduction of acc[j] and x[r * stride + j] over r in ascending order.
  void (*columns[kNumFloatReductions])(const T* x, int64_t stride, int64_t rows, int64_t columns,
                                       T* acc) = {};
  // Sum of (x - mean)^2, as rows.
  T (*centered_sumsq)(const T* x, int64_t n, T mean) = nullptr;
};

}  // namespace sf
