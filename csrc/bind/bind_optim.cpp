// Optimizer steps: lists of parameters, gradients and states, changed in place.
#include <pybind11/stl.h>

#include "bind/from_python.h"
#include "bind/gil.h"
#include "bind/module.h"
#include "optim/step.h"

namespace sf::bind {
namespace {

using Tensors = std::vector<Tensor>;

void update(const std::string& rule, const Tensors& params, const Tensors& grads,
            const std::vector<Tensors>& states,
            const std::vector<std::vector<double>>& coefficients) {
  without_gil([&] { update_(rule, params, grads, states, coefficients); });
}

}  // namespace

void bind_optim(py::module_& m) {
  using py::arg;
  m.def("_update_", &update, arg("rule"), arg("params"), arg("grads"), arg("states"),
        arg("coefficients"),
        "One step of a row of kernels/update.def on all params. states: a list per state, each as "
        "long as params; coefficients: one tuple per parameter, or a list of one for all.");
}

}  // namespace sf::bind
