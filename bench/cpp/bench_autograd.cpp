// What a node of the tape costs: an op on 16 numbers that is recorded and forgotten; a chain of
// them without recording, with it, and back.
#include "autograd/engine.h"
#include "autograd/meta.h"
#include "ops/operators.h"
#include "traffic.h"

namespace {

using sf::Tensor;

constexpr int64_t kLength = 1000;

Tensor chain(const Tensor& x, bool binary) {
  Tensor y = x;
  for (int64_t i = 0; i < kLength; ++i) y = binary ? sf::add(y, x) : sf::neg(y);
  return y;
}

// Reports ns per op.
template <class F>
void per_op(benchmark::State& state, const F& once) {
  std::vector<double> times;
  once();
  for (auto _ : state) {
    const double start = peak::seconds();
    once();
    times.push_back(peak::seconds() - start);
    state.SetIterationTime(times.back());
  }
  std::sort(times.begin(), times.end());
  state.counters["ns_per_op"] = times[times.size() / 2] / kLength * 1e9;
}

void forward(benchmark::State& state, bool binary, bool recorded) {
  const Tensor x = traffic::numbers({16});
  sf::set_requires_grad(x, recorded);
  per_op(state, [&] { benchmark::DoNotOptimize(chain(x, binary)); });
}

void alone(benchmark::State& state, bool binary) {
  const Tensor x = traffic::numbers({16});
  sf::set_requires_grad(x, true);
  per_op(state, [&] {
    for (int64_t i = 0; i < kLength; ++i) {
      benchmark::DoNotOptimize(binary ? sf::add(x, x) : sf::neg(x));
    }
  });
}

void both(benchmark::State& state, bool binary) {
  const Tensor x = traffic::numbers({16}), g = traffic::numbers({16});
  sf::set_requires_grad(x, true);
  per_op(state, [&] { benchmark::DoNotOptimize(sf::grad({chain(x, binary)}, {x}, {g}, {})); });
}

const bool registered = [] {
  for (bool binary : {false, true}) {
    const std::string name = std::string("autograd/") + (binary ? "add" : "neg");
    traffic::add(name + "/alone", [=](auto& state) { alone(state, binary); });
    traffic::add(name + "/plain", [=](auto& state) { forward(state, binary, false); });
    traffic::add(name + "/recorded", [=](auto& state) { forward(state, binary, true); });
    traffic::add(name + "/forward_backward", [=](auto& state) { both(state, binary); });
  }
  return true;
}();

}  // namespace
