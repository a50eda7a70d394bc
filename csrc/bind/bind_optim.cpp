// Optimizer steps: lists of parameters, gradients and states, changed in place.
#include <pybind11/stl.h>

#include "bind/from_python.h"
#include "bind/gil.h"
#include "bind/module.h"
#include "optim/step.h"

namespace sf::bind {
namespace {

using Tensors = std::vector<Tensor>;

MomentumForm form_named(const std::string& name) {
  if (name == "torch") return MomentumForm::kTorch;
  if (name == "classical") return MomentumForm::kClassical;
  if (name == "ema") return MomentumForm::kEma;
  throw ValueError("[sgd_step_] unknown momentum form '", name, "'");
}

void sgd_step(const Tensors& params, const Tensors& grads, const Tensors& velocities,
              const std::vector<uint8_t>& fresh, double lr, double momentum, double dampening,
              double weight_decay, bool nesterov, bool maximize, const std::string& form) {
  const SgdOptions options{lr,       momentum, dampening,       weight_decay,
                           nesterov, maximize, form_named(form)};
  without_gil([&] { sgd_step_(params, grads, velocities, fresh, options); });
}

void adam_step(const Tensors& params, const Tensors& grads, const Tensors& averages,
               const Tensors& squares, const Tensors& largest, const std::vector<int64_t>& steps,
               double lr, double beta1, double beta2, double eps, double weight_decay,
               bool maximize, bool eps_inside, bool bias_correction) {
  const AdamOptions options{lr,           beta1,    beta2,      eps,
                            weight_decay, maximize, eps_inside, bias_correction};
  without_gil([&] { adam_step_(params, grads, averages, squares, largest, steps, options); });
}

}  // namespace

void bind_optim(py::module_& m) {
  using py::arg;
  m.def("_sgd_step_", &sgd_step, arg("params"), arg("grads"), arg("velocities"), arg("fresh"),
        arg("lr"), arg("momentum"), arg("dampening"), arg("weight_decay"), arg("nesterov"),
        arg("maximize"), arg("form"),
        "One step of gradient descent on all params; without momentum velocities and fresh are "
        "empty, else fresh[i] is 1 for a velocity that was never stepped.");
  m.def("_adam_step_", &adam_step, arg("params"), arg("grads"), arg("averages"), arg("squares"),
        arg("largest"), arg("steps"), arg("lr"), arg("beta1"), arg("beta2"), arg("eps"),
        arg("weight_decay"), arg("maximize"), arg("eps_inside"), arg("bias_correction"),
        "One step of Adam on all params; steps[i] is 1 for the first. With amsgrad `largest` is "
        "not empty.");
}

}  // namespace sf::bind
