// Matrix products as a share of the multiply-add peak: the best that was seen in this run with as
// many threads, measured before every sample. share is the median sample's, best_share the best
// one's, which other load on the machine touches less.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "kernels/gemm.h"
#include "peak.h"

namespace {

using sf::Array;

// Aligned to cache lines, as tensors are.
template <class T>
class Numbers {
 public:
  explicit Numbers(int64_t n) : data_(static_cast<T*>(std::aligned_alloc(64, bytes(n)))) {
    std::mt19937 engine(1);
    std::uniform_real_distribution<T> uniform(-1, 1);
    for (int64_t i = 0; i < n; ++i) data_[i] = uniform(engine);
  }
  ~Numbers() { std::free(data_); }
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;
  T* data() { return data_; }

 private:
  static size_t bytes(int64_t n) { return (static_cast<size_t>(n) * sizeof(T) + 63) / 64 * 64; }
  T* data_;
};

// A rows x cols view of contiguous memory, or of its transpose.
template <class T>
Array matrix(Numbers<T>& memory, int64_t rows, int64_t cols, bool transposed) {
  return {memory.data(), sf::Shape{rows, cols},
          transposed ? sf::Strides{1, rows} : sf::Strides{cols, 1}, sf::dtype_of<T>};
}

struct Case {
  int64_t m, k, n;
  const char* form;  // NN, NT, TN, TT: which operand is a transposed view
};

template <class T>
void run_gemm(benchmark::State& state, Case c) {
  sf::set_num_threads(static_cast<int>(state.range(0)));
  Numbers<T> a_memory(c.m * c.k), b_memory(c.k * c.n), c_memory(c.m * c.n);
  const Array a = matrix(a_memory, c.m, c.k, c.form[0] == 'T');
  const Array b = matrix(b_memory, c.k, c.n, c.form[1] == 'T');
  const Array out = matrix(c_memory, c.m, c.n, false);
  const double flops = 2.0 * static_cast<double>(c.m * c.k) * static_cast<double>(c.n);
  const int64_t repeat = std::max<int64_t>(1, static_cast<int64_t>(2e7 / flops));
  std::vector<double> rates;
  sf::gemm(a, b, out);
  for (auto _ : state) {
    peak::best_flops();
    const double start = peak::seconds();
    for (int64_t i = 0; i < repeat; ++i) sf::gemm(a, b, out);
    const double time = (peak::seconds() - start) / static_cast<double>(repeat);
    benchmark::DoNotOptimize(c_memory.data());
    state.SetIterationTime(time);
    rates.push_back(flops / time);
  }
  std::sort(rates.begin(), rates.end());
  const double median = rates[rates.size() / 2], best = rates.back();
  const double peak = peak::best_flops() / (sizeof(T) / sizeof(float));
  state.counters["GFLOPs"] = median * 1e-9;
  state.counters["best"] = best * 1e-9;
  state.counters["share"] = median / peak;
  state.counters["best_share"] = best / peak;
}

template <class T>
void add(const char* type, Case c, int threads) {
  const std::string name = std::string("gemm/") + type + "/" + c.form + "/" + std::to_string(c.m) +
                           "x" + std::to_string(c.k) + "x" + std::to_string(c.n);
  const double flops = 2.0 * static_cast<double>(c.m * c.k) * static_cast<double>(c.n);
  benchmark::RegisterBenchmark(name.c_str(), run_gemm<T>, c)
      ->Arg(threads)
      ->ArgName("threads")
      ->UseManualTime()
      ->Iterations(flops > 5e9 ? 10 : 40)
      ->Unit(benchmark::kMicrosecond);
}

constexpr int64_t kLayers[][3] = {
    {1, 512, 512},    {8, 512, 512},     {32, 64, 64},      {32, 128, 256},  {32, 512, 512},
    {64, 512, 10},    {64, 512, 512},    {96, 300, 300},    {128, 784, 512}, {128, 512, 512},
    {256, 784, 2048}, {256, 2048, 2048}, {512, 1024, 1024}, {512, 256, 256}};

const bool registered = [] {
  for (int threads : {1, 2}) {
    for (const char* form : {"NN", "NT", "TN"}) {
      for (int64_t n : {16, 31, 32, 33, 64, 65, 127, 128, 256, 512, 1024, 2048}) {
        add<float>("f32", {n, n, n, form}, threads);
      }
      for (int64_t n : {32, 128, 512, 1024}) add<double>("f64", {n, n, n, form}, threads);
      add<double>("f64", {128, 784, 512, form}, threads);
      add<double>("f64", {64, 512, 512, form}, threads);
      add<double>("f64", {24, 300, 300, form}, threads);
    }
    // (batch, in, out) of linear layers: forward NT, input gradient NN (batch, out, in), weight
    // gradient TN (out, batch, in).
    for (const int64_t* layer : kLayers) {
      const int64_t batch = layer[0], in = layer[1], out = layer[2];
      add<float>("f32", {batch, in, out, "NT"}, threads);
      add<float>("f32", {batch, out, in, "NN"}, threads);
      add<float>("f32", {out, batch, in, "TN"}, threads);
    }
    add<float>("f32", {512, 512, 1, "NN"}, threads);
  }
  return true;
}();

}  // namespace
