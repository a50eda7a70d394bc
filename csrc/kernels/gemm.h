// Matrix products over strided memory: C = A B, or C += A B, with bias and activation on the way
// out.
//
// The bits of C depend on the shapes and strides only: not on the number of threads, and not on
// whether AVX2 or AVX-512 runs. NaN and infinity propagate; nothing is skipped for being zero.
#pragma once
#include <cstdint>
#include <optional>

#include "base/array.h"
#include "kernels/elementwise.h"

namespace sf {

// What happens to C once its sums are complete, while it is in cache.
struct Epilogue {
  const void* bias = nullptr;  // N contiguous numbers of C's dtype, added to every row
  std::optional<Unary> activation = {};
  OpParams params = {};       // of the activation
  void* activated = nullptr;  // where its values go, laid out as C; null: over C
};

// a (M, K) and b (K, N) of any strides (a transposed operand is a view), c (M, N) of unit inner
// stride and no overlap with a and b; all of one dtype: float32, float64, int32 or int64 (exact
// modulo the width; no epilogue). beta is 0 (c is not read) or 1. K = 0 leaves an empty sum: zeros.
void gemm(const Array& a, const Array& b, const Array& c, double beta = 0,
          const Epilogue& epilogue = {});

// a (B, M, K), b (B, K, N), c (B, M, N): one product per batch; a batch stride of 0 in a or b
// repeats that matrix.
void gemm_batched(const Array& a, const Array& b, const Array& c, double beta = 0,
                  const Epilogue& epilogue = {});

}  // namespace sf
