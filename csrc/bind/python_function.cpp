#include "bind/python_function.h"

#include <pybind11/stl.h>

#include "autograd/record.h"
#include "bind/from_python.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

class PythonNode final : public Node {
 public:
  PythonNode(const std::string& name, py::object ctx, py::object backward)
      : Node("", next_sequence()),
        label_(name),
        ctx_(std::move(ctx)),
        backward_(std::move(backward)) {
    set_name(label_.c_str());
  }

  Grads apply(Grads grads, bool) override {
    const py::gil_scoped_acquire gil;
    if (released_) {
      throw RuntimeError("[backward] the graph was already freed: [", label_,
                         "] ran once; pass retain_graph=True to the first backward");
    }
    py::list list;
    for (size_t i = 0; i < grads.size(); ++i) {
      const Tensor grad = grads[i].defined() ? grads[i] : zeros(outputs[i].shape, outputs[i].dtype);
      list.append(py::reinterpret_steal<py::object>(wrap(grad)));
    }
    const py::object result = backward_(ctx_, list);
    const auto items = py::isinstance<py::tuple>(result) || py::isinstance<py::list>(result)
                           ? py::cast<std::vector<py::object>>(result)
                           : std::vector<py::object>{result};
    if (items.size() != edges.size()) {
      throw RuntimeError("[", label_, "] backward returned ", items.size(), " gradients for ",
                         edges.size(), " tensor inputs; return None for those without one");
    }
    Grads out;
    for (size_t i = 0; i < items.size(); ++i) {
      out.push_back(items[i].is_none() ? Tensor() : From<Tensor>::get(items[i].ptr()));
    }
    return out;
  }

  void release_saved() override {
    const py::gil_scoped_acquire gil;
    released_ = true;
    ctx_ = py::none();
  }

 private:
  ~PythonNode() override {
    const py::gil_scoped_acquire gil;
    ctx_ = py::object();
    backward_ = py::object();
  }

  std::string label_;
  py::object ctx_;
  py::object backward_;
  bool released_ = false;
};

}  // namespace

void record_python_function(const std::string& name, const std::vector<Tensor>& outputs,
                            const std::vector<Tensor>& inputs, const py::object& ctx,
                            const py::object& backward, const std::vector<Tensor>& inplace) {
  for (const Tensor& t : inplace) t.storage()->bump("autograd.Function");
  std::vector<const Tensor*> refs;
  for (const Tensor& t : inputs) refs.push_back(&t);
  if (!should_record(name.c_str(), refs)) return;
  auto node = make_ref<PythonNode>(name, ctx, backward);
  for (const Tensor& t : inputs) node->edges.push_back(gradient_edge(t));
  for (const Tensor& out : outputs) {
    const auto slot = static_cast<uint32_t>(node->outputs.size());
    node->outputs.push_back({out.shape(), out.dtype(), nullptr});
    if (!is_floating(out.dtype())) continue;
    AutogradMeta& meta = ensure_meta(out);
    meta.grad_fn = node;
    meta.slot = slot;
  }
}

}  // namespace sf::bind
