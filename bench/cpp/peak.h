// What this machine can do at most, measured: multiply-adds in registers, and copying.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "spin.h"

namespace peak {

inline double seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

// Float32 flop/s of the ISA in use, on as many threads as the library uses; some 0.3 ms.
inline double flops() {
  constexpr int64_t kRounds = 30'000;
  const int threads = sf::num_threads();
  std::vector<double> done(static_cast<size_t>(threads));
  const double start = seconds();
  sf::parallel_for(
      threads, [&](int64_t i) { done[static_cast<size_t>(i)] = spin(sf::isa_name(), kRounds); });
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
  const double start = seconds();
  sf::parallel_for(threads, [&](int64_t i) {
    std::memcpy(to.data() + i * kBlock, from.data() + i * kBlock, kBlock);
  });
  return 2.0 * static_cast<double>(from.size()) / (seconds() - start);
}

// The best so far with the current number of threads; measures once more.
inline double best_copy_bandwidth() {
  static std::map<int, double> best;
  double& peak = best[sf::num_threads()];
  return peak = std::max(peak, copy_bandwidth());
}

}  // namespace peak
