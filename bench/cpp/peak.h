// What this machine can do at most, measured: multiply-adds in registers, and copying.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/parallel.h"
#include "kernels/dispatch.h"

namespace peak {

inline double seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

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

inline double spin(int64_t rounds) {
  const std::string isa = sf::isa_name();
#if defined(__x86_64__)
  if (isa == "avx512") return spin_avx512(rounds);
  if (isa == "avx2") return spin_avx2(rounds);
#endif
  return spin_baseline(rounds);
}

// Float32 flop/s of the ISA in use, on as many threads as the library uses; some 0.3 ms.
inline double flops() {
  constexpr int64_t kRounds = 30'000;
  const int threads = sf::num_threads();
  std::vector<double> done(static_cast<size_t>(threads));
  const double start = seconds();
  sf::parallel_for(threads, [&](int64_t i) { done[static_cast<size_t>(i)] = spin(kRounds); });
  const double time = seconds() - start;
  double total = 0;
  for (double d : done) total += d;
  return total / time;
}

// The highest peak so far with the current number of threads; measures once more.
inline double best_flops() {
  static std::map<int, double> best;
  double& peak = best[sf::num_threads()];
  return peak = std::max(peak, flops());
}

// Bytes/s read plus written by memcpy of blocks far larger than the caches, on all threads.
inline double copy_bandwidth() {
  constexpr int64_t kBlock = 32 << 20;
  const int threads = sf::num_threads();
  static std::vector<char> from, to;
  from.resize(static_cast<size_t>(kBlock * threads), 1);
  to.resize(from.size());
  double best = 0;
  for (int repeat = 0; repeat < 4; ++repeat) {
    const double start = seconds();
    sf::parallel_for(threads, [&](int64_t i) {
      std::memcpy(to.data() + i * kBlock, from.data() + i * kBlock, kBlock);
    });
    best = std::max(best, 2.0 * static_cast<double>(from.size()) / (seconds() - start));
  }
  return best;
}

}  // namespace peak
