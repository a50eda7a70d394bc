// Multiply-adds held in registers: what one core can do at most. Knows nothing of the library, so
// that the Python benchmarks can compile it too.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace peak {

// Runs `rounds` times 24 (12) independent vector multiply-adds and returns how many flops that was.
// Volatile keeps the compiler from working the result out in advance.
inline volatile float sink;
inline volatile float factor = 0.999f;

#if defined(__x86_64__)
__attribute__((target("avx512f"))) inline double spin_avx512(int64_t rounds) {
  constexpr int kChains = 24;
  const __m512 f = _mm512_set1_ps(factor);
  __m512 sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 24
    for (int i = 0; i < kChains; ++i) sum[i] = _mm512_fmadd_ps(sum[i], f, f);
  }
  for (int i = 1; i < kChains; ++i) sum[0] += sum[i];
  sink = sum[0][0];
  return static_cast<double>(rounds) * kChains * 16 * 2;
}
__attribute__((target("avx2,fma"))) inline double spin_avx2(int64_t rounds) {
  constexpr int kChains = 12;
  const __m256 f = _mm256_set1_ps(factor);
  __m256 sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = _mm256_set1_ps(static_cast<float>(i));
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sum[i] = _mm256_fmadd_ps(sum[i], f, f);
  }
  for (int i = 1; i < kChains; ++i) sum[0] += sum[i];
  sink = sum[0][0];
  return static_cast<double>(rounds) * kChains * 8 * 2;
}
#endif
// Without fused multiply-add: a multiplication and an addition.
inline double spin_baseline(int64_t rounds) {
  typedef float Quad __attribute__((vector_size(16)));
  constexpr int kChains = 12;
  const float f = factor;
  const Quad spread = {f, f, f, f};
  Quad sum[kChains] = {};
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sum[i] = sum[i] * spread + spread;
  }
  for (int i = 1; i < kChains; ++i) sum[0] += sum[i];
  sink = sum[0][0];
  return static_cast<double>(rounds) * kChains * 4 * 2;
}

inline double spin(const char* isa, int64_t rounds) {
#if defined(__x86_64__)
  if (!std::strcmp(isa, "avx512")) return spin_avx512(rounds);
  if (!std::strcmp(isa, "avx2")) return spin_avx2(rounds);
#endif
  return spin_baseline(rounds);
}

}  // namespace peak
