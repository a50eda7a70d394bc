// Softmax and cross-entropy of 4096 rows of 1000 classes, and of 128 rows of 10: what the forward
// pass must read (and write), and the backward.
#include "autograd/engine.h"
#include "autograd/meta.h"
#include "kernels/softmax.h"
#include "ops/loss.h"
#include "traffic.h"

namespace {

using sf::Shape;
using sf::Tensor;

void softmax(benchmark::State& state, const Shape& shape, bool log) {
  const Tensor x = traffic::numbers(shape), y = traffic::numbers(shape);
  traffic::run(state, 8 * x.numel(), [&] { sf::run_softmax(x.array(), y.array(), 1, log); });
}

void softmax_backward(benchmark::State& state, const Shape& shape, bool log) {
  const Tensor y = traffic::numbers(shape), g = traffic::numbers(shape),
               dx = traffic::numbers(shape);
  sf::run_softmax(y.array(), y.array(), 1, log);
  traffic::run(state, 12 * y.numel(),
               [&] { sf::run_softmax_backward(y.array(), g.array(), dx.array(), 1, log); });
}

// The whole op: reads x twice and writes its gradient.
void cross_entropy(benchmark::State& state, const Shape& shape) {
  const Tensor x = traffic::numbers(shape), labels = sf::empty({shape[0]}, sf::Dtype::kInt64);
  for (int64_t i = 0; i < shape[0]; ++i) labels.as<int64_t>()[i] = i * 7 % shape[1];
  sf::set_requires_grad(x, true);
  traffic::run(state, 12 * x.numel(), [&] {
    const Tensor loss = sf::cross_entropy(x, labels, {});
    benchmark::DoNotOptimize(sf::grad({loss}, {x}, {}, {}));
  });
}

const bool registered = [] {
  for (const Shape& shape : {Shape{4096, 1000}, Shape{128, 10}}) {
    const std::string size = std::to_string(shape[0]) + "x" + std::to_string(shape[1]);
    for (bool log : {false, true}) {
      const std::string name = std::string(log ? "softmax/log/" : "softmax/plain/") + size;
      traffic::add(name + "/forward", [=](auto& state) { softmax(state, shape, log); });
      traffic::add(name + "/backward", [=](auto& state) { softmax_backward(state, shape, log); });
    }
    traffic::add("softmax/cross_entropy/" + size,
                 [=](auto& state) { cross_entropy(state, shape); });
  }
  return true;
}();

}  // namespace
