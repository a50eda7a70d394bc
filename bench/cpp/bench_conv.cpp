// Convolutions as a share of the multiply-add peak, as bench_gemm.cpp takes it: forward and the two
// gradients, batch 64.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "kernels/conv.h"
#include "peak.h"

namespace {

using sf::Array;

struct Case {
  int64_t channels, outs, size, kernel, stride, padding, groups;
};

enum class Product { kForward, kInputGrad, kWeightGrad };

sf::ConvPlan plan_of(const Case& c) {
  const int64_t result = (c.size + 2 * c.padding - c.kernel) / c.stride + 1;
  return {.batch = 64,
          .groups = c.groups,
          .in = c.channels / c.groups,
          .out = c.outs / c.groups,
          .size = {c.size, c.size},
          .kernel = {c.kernel, c.kernel},
          .result = {result, result},
          .stride = {c.stride, c.stride},
          .padding = {c.padding, c.padding},
          .dilation = {1, 1}};
}

Array array_of(std::vector<float>& memory, const sf::Shape& shape) {
  std::mt19937 engine(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  memory.resize(static_cast<size_t>(shape.numel()));
  for (float& value : memory) value = uniform(engine);
  return {memory.data(), shape, sf::contiguous_strides(shape), sf::Dtype::kFloat32};
}

void run_conv(benchmark::State& state, Case c, Product product) {
  sf::set_num_threads(static_cast<int>(state.range(0)));
  const sf::ConvPlan plan = plan_of(c);
  std::vector<float> memory[3];
  const Array x = array_of(memory[0], {64, c.channels, c.size, c.size});
  const Array w = array_of(memory[1], {c.outs, plan.in, c.kernel, c.kernel});
  const Array y = array_of(memory[2], {64, c.outs, plan.result[0], plan.result[1]});
  const double flops = 2.0 * static_cast<double>(y.numel() * plan.in * plan.taps());
  const auto once = [&] {
    if (product == Product::kForward) sf::run_conv(plan, x, w, {}, y);
    if (product == Product::kInputGrad) sf::run_conv_input_grad(plan, y, w, {}, x);
    if (product == Product::kWeightGrad) sf::run_conv_weight_grad(plan, x, y, w);
  };
  std::vector<double> rates;
  once();
  for (auto _ : state) {
    peak::best_flops();
    const double start = peak::seconds();
    once();
    const double time = peak::seconds() - start;
    state.SetIterationTime(time);
    rates.push_back(flops / time);
  }
  std::sort(rates.begin(), rates.end());
  const double peak = peak::best_flops();
  state.counters["GFLOPs"] = rates[rates.size() / 2] * 1e-9;
  state.counters["share"] = rates[rates.size() / 2] / peak;
  state.counters["best_share"] = rates.back() / peak;
}

const bool registered = [] {
  const std::vector<std::pair<std::string, Case>> cases = {
      {"1-6 5x5 28", {1, 6, 28, 5, 1, 2, 1}},
      {"6-16 5x5 14", {6, 16, 14, 5, 1, 0, 1}},
      {"3-16 3x3 32", {3, 16, 32, 3, 1, 1, 1}},
      {"16-16 3x3 32", {16, 16, 32, 3, 1, 1, 1}},
      {"32-32 3x3 16", {32, 32, 16, 3, 1, 1, 1}},
      {"64-64 3x3 8", {64, 64, 8, 3, 1, 1, 1}},
      {"16-32 3x3 32 s2", {16, 32, 32, 3, 2, 1, 1}},
      {"32-64 3x3 16 s2", {32, 64, 16, 3, 2, 1, 1}},
      {"16-32 1x1 32 s2", {16, 32, 32, 1, 2, 0, 1}},
      {"64-64 1x1 8", {64, 64, 8, 1, 1, 0, 1}},
      {"32 3x3 16 depthwise", {32, 32, 16, 3, 1, 1, 32}}};
  const std::pair<const char*, Product> products[] = {{"forward", Product::kForward},
                                                      {"input_grad", Product::kInputGrad},
                                                      {"weight_grad", Product::kWeightGrad}};
  for (int threads : {1, 2}) {
    for (const auto& [name, c] : cases) {
      for (const auto& [what, product] : products) {
        benchmark::RegisterBenchmark(("conv/" + name + "/" + what).c_str(), run_conv, c, product)
            ->Arg(threads)
            ->ArgName("threads")
            ->UseManualTime()
            ->Iterations(30)
            ->Unit(benchmark::kMicrosecond);
      }
    }
  }
  return true;
}();

}  // namespace
