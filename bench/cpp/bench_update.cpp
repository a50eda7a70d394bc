// Every optimizer rule of update.def over 10 million parameters, and over as many as 100 small
// layers have: parameter and states read and written, gradient read.
#include "kernels/launch.h"
#include "kernels/update.h"
#include "traffic.h"

namespace {

using sf::Tensor;

void update(benchmark::State& state, sf::Update rule, int64_t tensors, int64_t n) {
  const sf::UpdateRow& row = sf::kUpdateRows[static_cast<int>(rule)];
  std::vector<Tensor> memory;
  const auto numbers = [&] { return memory.emplace_back(traffic::numbers({n})).data(); };
  std::vector<sf::UpdateTask> tasks;
  for (int64_t i = 0; i < tensors; ++i) {
    sf::UpdateTask task{sf::Dtype::kFloat32, {numbers(), numbers(), {}, n, {}}};
    for (int k = 0; k < row.states; ++k) task.span.s[k] = numbers();
    std::fill_n(task.span.c, row.coefficients, 1e-3);
    tasks.push_back(task);
  }
  traffic::run(state, tensors * n * 4 * (3 + 2 * row.states),
               [&] { sf::launch(row.name, [&] { sf::run_update(rule, tasks); }); });
}

const bool registered = [] {
  for (int i = 0; i < sf::kNumUpdates; ++i) {
    const auto rule = static_cast<sf::Update>(i);
    const std::string name = std::string("update/") + sf::kUpdateRows[i].name;
    traffic::add(name + "/10x1M", [=](auto& state) { update(state, rule, 10, 1'000'000); });
    traffic::add(name + "/100x4k", [=](auto& state) { update(state, rule, 100, 4160); });
  }
  return true;
}();

}  // namespace
