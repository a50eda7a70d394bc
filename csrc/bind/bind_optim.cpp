// Optimizer steps: lists of parameters, gradients and states, changed in place.
#include <pybind11/stl.h>

#include "autograd/meta.h"
#include "bind/from_python.h"
#include "bind/gil.h"
#include "bind/module.h"
#include "bind/op.h"
#include "optim/step.h"

namespace sf::bind {
namespace {

// Those of `params` that have a gradient, and the gradients.
py::tuple with_grads(const py::list& params) {
  py::list chosen, grads;
  for (const py::handle param : params) {
    const Tensor grad = grad_of(From<Tensor>::get(param.ptr()));
    if (!grad.defined()) continue;
    chosen.append(param);
    grads.append(py::reinterpret_steal<py::object>(wrap(grad)));
  }
  return py::make_tuple(chosen, grads);
}

// Tensor `field` of every dict.
std::vector<Tensor> column(const py::list& entries, py::handle field) {
  std::vector<Tensor> out;
  out.reserve(entries.size());
  for (const py::handle entry : entries) {
    if (!PyDict_Check(entry.ptr())) throw TypeError("[_update_] entries must be dicts");
    PyObject* value = PyDict_GetItemWithError(entry.ptr(), field.ptr());
    if (!value && PyErr_Occurred()) throw py::error_already_set();
    if (!value) throw py::key_error(py::str(field));
    out.push_back(From<Tensor>::get(value));
  }
  return out;
}

void update(const std::string& rule, const py::list& params, const py::list& grads,
            const py::list& entries, const py::tuple& fields,
            const std::vector<std::vector<double>>& coefficients) {
  using Tensors = std::vector<Tensor>;
  std::vector<Tensors> states;
  for (const py::handle field : fields) states.push_back(column(entries, field));
  const Tensors changed = From<Tensors>::get(params.ptr()), by = From<Tensors>::get(grads.ptr());
  const auto step = [&] { update_(rule, changed, by, states, coefficients); };
  int64_t work = 0;
  for (const Tensor& param : changed) work += param.numel();
  if (work < kReleaseGilNumel) return step();
  without_gil(step);
}

}  // namespace

void bind_optim(py::module_& m) {
  using py::arg;
  m.def("_with_grads", &with_grads, arg("params"),
        "The tensors of the list that have a gradient, and their gradients.");
  m.def("_update_", &update, arg("rule"), arg("params"), arg("grads"), arg("entries"),
        arg("fields"), arg("coefficients"),
        "One step of a row of kernels/update.def on all params. entries: the state of each, a "
        "dict, in which the row's state tensors stand under the names `fields`; KeyError, before "
        "anything is changed, if one is missing. coefficients: one tuple per parameter, or a list "
        "of one for all.");
}

}  // namespace sf::bind
