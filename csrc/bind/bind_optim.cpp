// Optimizer steps: parameters, gradients and states, changed in place; clipping by norm.
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

// Borrowed, null if there is none.
PyObject* look_up(py::handle dict, py::handle key) {
  PyObject* value = PyDict_GetItemWithError(dict.ptr(), key.ptr());
  if (!value && PyErr_Occurred()) throw py::error_already_set();
  return value;
}

void put(py::handle dict, py::handle key, py::handle value) {
  if (PyDict_SetItem(dict.ptr(), key.ptr(), value.ptr())) throw py::error_already_set();
}

// What one step of a row is made of, and what is remembered of each parameter, a dict. The dicts
// are changed by keep() alone, after the step: an error in it changes none.
class RowStep {
 public:
  // state: an optim.State, or None for a row that remembers nothing.
  RowStep(const py::list& params, const py::object& grads, const py::object& state) {
    const py::object keys = state.is_none() ? state : state.attr("_keys");
    const auto given = From<std::optional<Tensors>>::get(grads.ptr());
    if (given && given->size() != params.size()) {
      throw ValueError("[_update_] one gradient per parameter needed: ", params.size(), ", got ",
                       given->size());
    }
    params_.reserve(params.size());
    grads_.reserve(params.size());
    entries_.reserve(params.size());
    for (size_t i = 0; i < params.size(); ++i) {
      PyObject* param = PyList_GET_ITEM(params.ptr(), static_cast<Py_ssize_t>(i));
      const Tensor tensor = From<Tensor>::get(param);
      const Tensor grad = given ? (*given)[i] : grad_of(tensor);
      if (!grad.defined()) continue;
      params_.push_back(tensor);
      grads_.push_back(grad);
      if (!state.is_none()) entries_.push_back(entry_of(param, state, keys));
    }
  }

  bool empty() const { return params_.empty(); }

  // The state tensors under the names `fields`; one that is not there yet begins as start(field).
  void read_states(const py::tuple& fields, const py::object& start) {
    for (const py::handle field : fields) {
      Tensors& column = states_.emplace_back();
      column.reserve(params_.size());
      for (size_t i = 0; i < entries_.size(); ++i) {
        if (PyObject* value = look_up(entries_[i], field)) {
          column.push_back(From<Tensor>::get(value));
          continue;
        }
        const auto value = py::cast<double>(start(field));
        column.push_back(full(params_[i].shape(), value, params_[i].dtype()));
        made_.push_back({i, field, column.back()});
      }
    }
  }

  // head and of(t), t the number of the step for a parameter: one more than stands under `counter`;
  // without a counter 1 where its states have yet to be made and 2 from then on.
  void read_numbers(const Numbers& head, const py::object& of, const py::object& counter) {
    counter_ = counter;
    if (entries_.empty()) numbers_.push_back(joined(head, of(1)));
    for (size_t i = 0; i < entries_.size(); ++i) {
      const py::object before = steps_of(i);
      size_t k = 0;  // mostly all share the very same object
      while (k < counts_.size() && !counts_[k].before.equal(before)) ++k;
      if (k == counts_.size()) {
        counts_.push_back({before, before + py::int_(1)});
        numbers_.push_back(joined(head, of(counts_[k].after)));
      }
      which_.push_back(k);
    }
    if (numbers_.size() < 2) return;
    std::vector<Numbers> each;
    for (const size_t k : which_) each.push_back(numbers_[k]);
    numbers_ = std::move(each);
  }

  void run(const std::string& row) const {
    work_on(params_, [&] { update_(row, params_, grads_, states_, numbers_); });
  }

  void keep() const {
    for (const Made& made : made_) {
      const auto state = py::reinterpret_steal<py::object>(wrap(made.tensor));
      put(entries_[made.entry], made.field, state);
    }
    if (counter_.is_none()) return;
    for (size_t i = 0; i < which_.size(); ++i) put(entries_[i], counter_, counts_[which_[i]].after);
  }

 private:
  struct Made {
    size_t entry;
    py::handle field;
    Tensor tensor;
  };
  struct Count {
    py::object before, after;
  };

  static py::object entry_of(py::handle param, py::handle state, py::handle keys) {
    const auto id = py::reinterpret_steal<py::object>(PyLong_FromVoidPtr(param.ptr()));
    PyObject* key = look_up(keys, id);
    PyObject* entry = key ? look_up(state, key) : nullptr;
    // of() makes one, or says why there can be none.
    auto found = entry ? py::reinterpret_borrow<py::object>(entry) : state.attr("of")(param);
    if (!PyDict_Check(found.ptr()))
      throw TypeError("[_update_] a parameter's state must be a dict");
    return found;
  }

  static Numbers joined(Numbers head, const py::object& rest) {
    const Numbers tail = From<Numbers>::get(rest.ptr());
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
  }

  py::object steps_of(size_t i) const {
    if (counter_.is_none()) return py::int_(is_new(i) ? 0 : 1);
    PyObject* seen = look_up(entries_[i], counter_);
    return seen ? py::reinterpret_borrow<py::object>(seen) : py::int_(0);
  }

  bool is_new(size_t i) const {
    return std::any_of(made_.begin(), made_.end(), [i](const Made& m) { return m.entry == i; });
  }

  Tensors params_, grads_;
  std::vector<py::object> entries_;
  std::vector<Tensors> states_;
  std::vector<Made> made_;
  py::object counter_;
  std::vector<Count> counts_;  // those that differ
  std::vector<size_t> which_;  // of counts_, for each entry
  std::vector<Numbers> numbers_;
};

void update(const std::string& row, const py::list& params, const py::object& grads,
            const py::object& head, const py::object& coefficients, const py::object& state,
            const py::tuple& fields, const py::object& start, const py::object& counter) {
  RowStep step(params, grads, state);
  if (step.empty()) return;
  step.read_states(fields, start);
  step.read_numbers(From<Numbers>::get(head.ptr()), coefficients, counter);
  step.run(row);
  step.keep();
}

}  // namespace

void bind_optim(py::module_& m) {
  using py::arg;
  const py::none none;
  m.def("_with_grads", &with_grads, arg("params"),
        "The tensors of the list that have a gradient, and their gradients.");
  m.def("_update_", &update, arg("row"), arg("params"), arg("grads"), arg("head"),
        arg("coefficients"), arg("state") = none, arg("fields") = py::tuple(), arg("start") = none,
        arg("counter") = none,
        "One step of a row of kernels/update.def on all params; grads None: on those that have a "
        "gradient, by it. head: the coefficients of all rows, c[0] and c[1]. coefficients(t): the "
        "others for step t of a parameter, 1 for the first. state: an optim.State, in whose dicts "
        "the row's state tensors stand under the names `fields`, first filled with start(field), "
        "and the steps so far under `counter`; without one t is 1 where the tensors have yet to be "
        "made, 2 from then on. New tensors and counts are put there after the step: an error "
        "changes nothing.");
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
