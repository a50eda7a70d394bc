// Normalisations forward and backward: x read and y written once; x and g read and dx written once.
#include "kernels/norm.h"
#include "traffic.h"

namespace {

using sf::NormPlan;
using sf::Shape;
using sf::Tensor;

struct Data {
  Tensor x, y, g, dx, weight, bias, dweight, dbias, mean, var, rstd;
  Data(const NormPlan& plan, const Shape& affine)
      : x(traffic::numbers({plan.outer, plan.groups, plan.inner})),
        y(traffic::numbers(x.shape())),
        g(traffic::numbers(x.shape())),
        dx(traffic::numbers(x.shape())),
        weight(traffic::numbers(affine)),
        bias(traffic::numbers(affine)),
        dweight(traffic::numbers(affine)),
        dbias(traffic::numbers(affine)),
        mean(traffic::numbers({plan.groups})),
        var(traffic::numbers({plan.groups})),
        rstd(traffic::numbers({plan.groups})) {}
  void forward(const NormPlan& plan) const {
    sf::run_norm(plan, x.array(), weight.array(), bias.array(), y.array(), mean.array(),
                 var.array(), rstd.array());
  }
  void backward(const NormPlan& plan) const {
    sf::run_norm_backward(plan, x.array(), g.array(), weight.array(), mean.array(), rstd.array(),
                          dx.array(), dweight.array(), dbias.array());
  }
};

void add(const std::string& name, const NormPlan& plan) {
  const Shape affine{plan.along_inner ? plan.inner : plan.groups};
  const int64_t bytes = 4 * plan.count() * plan.groups;
  traffic::add("norm/" + name + "/forward", [=](auto& state) {
    const Data data(plan, affine);
    traffic::run(state, 2 * bytes, [&] { data.forward(plan); });
  });
  traffic::add("norm/" + name + "/backward", [=](auto& state) {
    const Data data(plan, affine);
    data.forward(plan);
    traffic::run(state, 3 * bytes, [&] { data.backward(plan); });
  });
}

const bool registered = [] {
  for (const auto& [rows, n] : {std::pair<int64_t, int64_t>{512, 256}, {512, 1024}}) {
    const std::string size = std::to_string(rows) + "x" + std::to_string(n);
    add("batch/" + size, {rows, n, 1, false, true, 1e-5});
    add("layer/" + size, {1, rows, n, true, true, 1e-5});
    add("rms/" + size, {1, rows, n, true, false, 1e-5});
  }
  add("batch/64x16x32x32", {64, 16, 32 * 32, false, true, 1e-5});
  add("batch/64x64x8x8", {64, 64, 8 * 8, false, true, 1e-5});
  return true;
}();

}  // namespace
