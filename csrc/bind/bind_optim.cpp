// Optimizer steps: lists of parameters, gradients and states, changed in place; clipping by norm.
#include "autograd/meta.h"
#include "bind/from_python.h"
#include "bind/gil.h"
#include "bind/module.h"
#include "bind/op.h"
#include "ops/clip.h"
#include "optim/step.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

using Tensors = std::vector<Tensor>;
using Numbers = std::vector<double>;

template <class F>
auto work_on(const Tensors& tensors, const F& f) {
  int64_t work = 0;
  for (const Tensor& t : tensors) work += t.numel();
  return work < kReleaseGilNumel ? f() : without_gil(f);
}

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

// What is remembered of each parameter: dicts, one per parameter. They are changed by keep() alone,
// after the step, so that an error in it changes none.
class Entries {
 public:
  Entries(const py::list& entries, const py::tuple& fields, const py::object& counter)
      : entries_(entries), fields_(fields), counter_(counter) {}

  // The state tensors, a list for each field; one that is not there yet begins as start(field).
  std::vector<Tensors> states(const Tensors& params, const py::object& start) {
    std::vector<Tensors> out(fields_.size());
    for (size_t k = 0; k < out.size(); ++k) {
      const py::handle field = this->field(k);
      out[k].reserve(params.size());
      for (size_t i = 0; i < params.size(); ++i) {
        if (PyObject* value = look_up(i, field)) {
          out[k].push_back(From<Tensor>::get(value));
          continue;
        }
        const auto value = py::cast<double>(start(field));
        out[k].push_back(full(params[i].shape(), value, params[i].dtype()));
        made_.push_back({i, field, out[k].back()});
      }
    }
    return out;
  }

  // of(t), t the number of the step for a parameter: one list for each, or one for all where t is
  // the same.
  std::vector<Numbers> coefficients(size_t n, const py::object& of) {
    std::vector<Numbers> lists;
    std::vector<size_t> which;
    std::vector<py::object> known;
    for (size_t i = 0; i < n; ++i) {
      steps_.push_back(number_of_step(i));
      size_t k = 0;
      while (k < known.size() && !known[k].equal(steps_[i])) ++k;
      if (k == known.size()) {
        known.push_back(steps_[i]);
        lists.push_back(From<Numbers>::get(of(steps_[i]).ptr()));
      }
      which.push_back(k);
    }
    if (lists.size() == 1) return lists;
    std::vector<Numbers> out;
    for (const size_t k : which) out.push_back(lists[k]);
    return out;
  }

  void keep() {
    for (const Made& made : made_) {
      put(made.entry, made.field, py::reinterpret_steal<py::object>(wrap(made.tensor)));
    }
    if (counter_.is_none()) return;
    for (size_t i = 0; i < steps_.size(); ++i) put(i, counter_, steps_[i]);
  }

 private:
  struct Made {
    size_t entry;
    py::handle field;
    Tensor tensor;
  };

  // Borrowed, null if there is none.
  PyObject* look_up(size_t i, py::handle field) const {
    if (i >= entries_.size() || !PyDict_Check(entry(i))) {
      throw TypeError("[_update_] entries must be dicts, one per parameter");
    }
    PyObject* value = PyDict_GetItemWithError(entry(i), field.ptr());
    if (!value && PyErr_Occurred()) throw py::error_already_set();
    return value;
  }

  void put(size_t i, py::handle field, py::handle value) {
    if (PyDict_SetItem(entry(i), field.ptr(), value.ptr())) throw py::error_already_set();
  }

  PyObject* entry(size_t i) const {
    return PyList_GET_ITEM(entries_.ptr(), static_cast<Py_ssize_t>(i));
  }
  py::handle field(size_t k) const {
    return PyTuple_GET_ITEM(fields_.ptr(), static_cast<Py_ssize_t>(k));
  }

  py::object number_of_step(size_t i) const {
    if (counter_.is_none()) return py::int_(fields_.empty() || look_up(i, field(0)) ? 2 : 1);
    PyObject* before = look_up(i, counter_);
    return before ? py::reinterpret_borrow<py::object>(before) + py::int_(1) : py::int_(1);
  }

  const py::list& entries_;
  const py::tuple& fields_;
  const py::object& counter_;
  std::vector<Made> made_;
  std::vector<py::object> steps_;
};

void update(const std::string& rule, const py::list& params, const py::list& grads,
            const py::object& coefficients, const py::list& entries, const py::tuple& fields,
            const py::object& start, const py::object& counter) {
  const Tensors changed = From<Tensors>::get(params.ptr()), by = From<Tensors>::get(grads.ptr());
  Entries memory(entries, fields, counter);
  const std::vector<Tensors> states = memory.states(changed, start);
  const std::vector<Numbers> numbers = memory.coefficients(changed.size(), coefficients);
  work_on(changed, [&] { update_(rule, changed, by, states, numbers); });
  memory.keep();
}

}  // namespace

void bind_optim(py::module_& m) {
  using py::arg;
  m.def("_with_grads", &with_grads, arg("params"),
        "The tensors of the list that have a gradient, and their gradients.");
  m.def("_update_", &update, arg("rule"), arg("params"), arg("grads"), arg("coefficients"),
        arg("entries") = py::list(), arg("fields") = py::tuple(), arg("start") = py::none(),
        arg("counter") = py::none(),
        "One step of a row of kernels/update.def on all params. entries: the memory of each, a "
        "dict, in which the row's state tensors stand under the names `fields`, and the number of "
        "steps so far under `counter`. coefficients(t): all of them for step t of a parameter, 1 "
        "for the first; without a counter 1 where its states are not there yet and 2 from then "
        "on. start(field): what a state tensor is first filled with. New states and counts are "
        "put into the entries after the step: an error changes nothing.");
  m.def(
      "_total_norm",
      [](const py::list& tensors, double p) {
        const auto listed = From<Tensors>::get(tensors.ptr());
        return work_on(listed, [&] { return total_norm(listed, p); });
      },
      arg("tensors"), arg("p"), "The norm of all tensors as one vector, without history.");
  m.def("_clip_factor", &clip_factor, arg("norm"), arg("max_norm"),
        "min(1, max_norm / (norm + 1e-6)), without history.");
}

}  // namespace sf::bind
