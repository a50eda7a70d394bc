// Kernels that memory bounds: the bytes they must move per second, and the share of what copying of
// large blocks moves in the same run. What stays in the caches may exceed it.
#pragma once
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "peak.h"
#include "tensor/create.h"

namespace traffic {

// Numbers between -2 and 2, always the same.
inline sf::Tensor numbers(const sf::Shape& shape) {
  const sf::Tensor out = sf::empty(shape, sf::Dtype::kFloat32);
  for (int64_t i = 0; i < out.numel(); ++i) {
    out.as<float>()[i] = static_cast<float>(2 * std::sin(0.7 * static_cast<double>(i % 10007)));
  }
  return out;
}

// Times `once`, which must read and write `bytes`.
template <class F>
void run(benchmark::State& state, int64_t bytes, const F& once) {
  const int64_t repeat = std::max<int64_t>(1, 1'000'000 / std::max<int64_t>(1, bytes));
  std::vector<double> rates;
  once();
  for (auto _ : state) {
    const double start = peak::seconds();
    for (int64_t i = 0; i < repeat; ++i) once();
    const double time = (peak::seconds() - start) / static_cast<double>(repeat);
    state.SetIterationTime(time);
    rates.push_back(static_cast<double>(bytes) / time);
  }
  std::sort(rates.begin(), rates.end());
  const double copy = peak::best_copy_bandwidth();
  state.counters["GB/s"] = rates[rates.size() / 2] * 1e-9;
  state.counters["share"] = rates[rates.size() / 2] / copy;
  state.counters["best_share"] = rates.back() / copy;
}

// Registers fn(state), which starts by making its data, with one thread and with two.
template <class F>
void add(const std::string& name, const F& fn) {
  for (int threads : {1, 2}) {
    benchmark::RegisterBenchmark(name.c_str(),
                                 [fn, threads](benchmark::State& state) {
                                   sf::set_num_threads(threads);
                                   fn(state);
                                 })
        ->Arg(threads)
        ->ArgName("threads")
        ->UseManualTime()
        ->Iterations(30)
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace traffic
