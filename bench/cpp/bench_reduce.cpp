// Reductions of a million numbers: all of them, rows, and columns.
#include "kernels/reduce.h"
#include "traffic.h"

namespace {

using sf::Reduce;
using sf::Shape;
using sf::Tensor;

constexpr int64_t kBytes = int64_t{1024} * 1024 * 4;

void reduce(benchmark::State& state, Reduce op, const Shape& result) {
  const Tensor x = traffic::numbers({1024, 1024}), y = traffic::numbers(result);
  traffic::run(state, kBytes, [&] { sf::run_reduce(op, x.array(), y.array()); });
}

void variance(benchmark::State& state, const Shape& result) {
  const Tensor x = traffic::numbers({1024, 1024}), y = traffic::numbers(result);
  traffic::run(state, kBytes, [&] { sf::run_var(x.array(), y.array(), 1); });
}

const bool registered = [] {
  const std::pair<const char*, Reduce> ops[] = {{"sum", Reduce::sum},   {"prod", Reduce::prod},
                                                {"max", Reduce::max},   {"min", Reduce::min},
                                                {"mean", Reduce::mean}, {"sumsq", Reduce::sumsq}};
  const std::pair<const char*, Shape> results[] = {
      {"all", {1, 1}}, {"rows", {1024, 1}}, {"columns", {1, 1024}}};
  for (const auto& [over, result] : results) {
    for (const auto& [name, op] : ops) {
      traffic::add(std::string("reduce/") + name + "/" + over,
                   [o = op, r = result](auto& state) { reduce(state, o, r); });
    }
    traffic::add(std::string("reduce/var/") + over,
                 [r = result](auto& state) { variance(state, r); });
  }
  return true;
}();

}  // namespace
