// Every row of unary.def, forward and backward, over a million numbers; add and mul in the layouts
// that nets have.
#include <algorithm>

#include "kernels/elementwise.h"
#include "traffic.h"

namespace {

using sf::Shape;
using sf::Tensor;

constexpr int64_t kCount = 1 << 20;
constexpr int64_t kBytes = kCount * 4;
// Exponent; low, high; slope; beta, threshold; alpha: something that every row can work with.
const sf::OpParams kParams{0.5, 2};

void forward(benchmark::State& state, sf::Unary op) {
  const Tensor x = traffic::numbers({kCount}), y = traffic::numbers({kCount});
  traffic::run(state, 2 * kBytes, [&] { sf::run_unary(op, x.array(), y.array(), kParams); });
}

void backward(benchmark::State& state, sf::Unary op) {
  const Tensor x = traffic::numbers({kCount}), y = traffic::numbers({kCount}),
               g = traffic::numbers({kCount}), dx = traffic::numbers({kCount});
  const sf::Array xs = x.array(), ys = y.array();
  const int needs = sf::needs_of(op);
  const int64_t arrays = 2 + !!(needs & sf::kNeedsX) + !!(needs & sf::kNeedsY);
  traffic::run(state, arrays * kBytes,
               [&] { sf::run_unary_backward(op, &xs, &ys, g.array(), dx.array(), kParams); });
}

// (1024, 1024) with an operand of `shape`.
void binary(benchmark::State& state, sf::Binary op, const Shape& shape) {
  const Shape full{1024, 1024};
  const Tensor a = traffic::numbers(full), b = traffic::numbers(shape), y = traffic::numbers(full);
  traffic::run(state, 2 * kBytes + b.numel() * 4,
               [&] { sf::run_binary(op, a.array(), b.broadcast(full), y.array()); });
}

const bool registered = [] {
  for (int i = 0; i < sf::kNumUnary; ++i) {
    const auto op = static_cast<sf::Unary>(i);
    const std::string name = std::string("elementwise/") + sf::name_of(op);
    traffic::add(name + "/forward", [op](auto& state) { forward(state, op); });
    traffic::add(name + "/backward", [op](auto& state) { backward(state, op); });
  }
  for (const auto& [layout, shape] : {std::pair{"same", Shape{1024, 1024}},
                                      {"row", Shape{1, 1024}},
                                      {"column", Shape{1024, 1}},
                                      {"scalar", Shape{1, 1}}}) {
    for (sf::Binary op : {sf::Binary::add, sf::Binary::mul}) {
      traffic::add(std::string("elementwise/") + sf::name_of(op) + "/" + layout,
                   [op, s = shape](auto& state) { binary(state, op, s); });
    }
  }
  return true;
}();

}  // namespace
