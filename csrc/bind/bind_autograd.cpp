// Gradients: what tensors know of them, the backward pass, hooks, ops written in Python.
#include "bind/module.h"

#include <pybind11/stl.h>

#include "autograd/engine.h"
#include "autograd/record.h"
#include "bind/gil.h"
#include "bind/op.h"
#include "bind/python_function.h"

namespace sf::bind {
namespace {

// A Python object that C++ threads may copy and drop without holding the GIL.
std::shared_ptr<py::object> shared(py::object object) {
  return {new py::object(std::move(object)), [](py::object* owned) {
            const py::gil_scoped_acquire gil;
            delete owned;
          }};
}

std::vector<Tensor> tensors_or_none(const std::vector<py::object>& objects) {
  std::vector<Tensor> out;
  for (const py::object& object : objects) {
    out.push_back(object.is_none() ? Tensor() : From<Tensor>::get(object.ptr()));
  }
  return out;
}

// Removes a hook; remembers the node weakly enough: it lives as long as the handle.
struct HookHandle {
  Ref<Node> node;
  uint64_t id;
  void remove() {
    if (node) remove_hook(*node, id);
    node = nullptr;
  }
};

HookHandle register_hook(const Tensor& t, const py::object& call) {
  const auto owned = shared(call);
  const uint64_t id = add_hook(t, [owned](const Tensor& grad) -> Tensor {
    const py::gil_scoped_acquire gil;
    const py::object result = (*owned)(py::reinterpret_steal<py::object>(wrap(grad)));
    return result.is_none() ? Tensor() : From<Tensor>::get(result.ptr());
  });
  return {gradient_edge(t).node, id};
}

void run_backward(const std::vector<Tensor>& tensors, const std::vector<py::object>& gradients,
                  bool retain_graph) {
  const std::vector<Tensor> grads = tensors_or_none(gradients);
  without_gil([&] { backward(tensors, grads, retain_graph); });
}

std::vector<Tensor> run_grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                             const std::vector<py::object>& output_grads, bool retain_graph,
                             bool create_graph, bool allow_unused) {
  const std::vector<Tensor> grads = tensors_or_none(output_grads);
  return without_gil(
      [&] { return grad(outputs, inputs, grads, {retain_graph, create_graph, allow_unused}); });
}

}  // namespace

void register_autograd(OpTable& ops) {
  ops.add("detach(Tensor input) -> Tensor", &detach,
          "The same memory without history. In-place changes are still seen by the original's "
          "version counter.");
  ops.add(
      "requires_grad_(Tensor input, bool requires_grad=True) -> Tensor",
      [](const Tensor& input, bool value) {
        set_requires_grad(input, value);
        return input;
      },
      "Asks for the gradient of this leaf (or no longer).", Where::kMethod);
  ops.add("retain_grad(Tensor input) -> None", &retain_grad,
          "Keeps the gradient of a tensor that is no leaf in `.grad`.", Where::kMethod);
  ops.add(
      "register_hook(Tensor input, Any hook) -> HookHandle",
      [](const Tensor& input, const py::object& hook) -> py::object {
        return py::cast(register_hook(input, hook));
      },
      "Calls hook(grad) when the gradient of this tensor is ready; what it returns, if not None, "
      "takes its place. The handle's remove() undoes it.",
      Where::kMethod);
  ops.add(
      "backward(Tensor input, Tensor? gradient=None, bool? retain_graph=None, "
      "bool create_graph=False) -> None",
      [](const Tensor& input, const std::optional<Tensor>& gradient,
         const std::optional<bool>& retain_graph, bool create_graph) {
        if (create_graph) {
          throw NotImplementedError(
              "[backward] create_graph=True would tie each leaf to its own gradient in a cycle ",
              "that is never freed; use surefoot.autograd.grad(..., create_graph=True)");
        }
        std::vector<Tensor> grads;
        if (gradient) grads.push_back(*gradient);
        without_gil([&] { backward({input}, grads, retain_graph.value_or(false)); });
      },
      "Adds the gradient of this tensor with respect to each leaf to the leaf's `.grad`.",
      Where::kMethod);
}

void bind_autograd(py::module_& m) {
  py::class_<HookHandle>(m, "HookHandle", "What register_hook returns.")
      .def("remove", &HookHandle::remove, "Removes the hook; calling it again does nothing.");
  m.def("is_grad_enabled", &GradMode::enabled, "Whether ops are recorded on this thread.");
  m.def("_set_grad_enabled", &GradMode::set, py::arg("enabled"));
  m.def("_backward", &run_backward, py::arg("tensors"), py::arg("gradients"),
        py::arg("retain_graph"));
  m.def("_grad", &run_grad, py::arg("outputs"), py::arg("inputs"), py::arg("output_grads"),
        py::arg("retain_graph"), py::arg("create_graph"), py::arg("allow_unused"));
  m.def("_record_function", &record_python_function, py::arg("name"), py::arg("outputs"),
        py::arg("inputs"), py::arg("ctx"), py::arg("backward"), py::arg("inplace"));
  m.def(
      "_make_subclass",
      [](py::handle type, const Tensor& data, bool requires_grad) {
        Tensor t = alias(data);
        if (requires_grad) set_requires_grad(t, true);
        auto* cls = reinterpret_cast<PyTypeObject*>(type.ptr());
        return py::reinterpret_steal<py::object>(wrap_as(cls, t));
      },
      py::arg("type"), py::arg("data"), py::arg("requires_grad"),
      "The memory of `data` as an instance of a subclass of Tensor.");
}

}  // namespace sf::bind
