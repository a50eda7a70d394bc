#include "autograd/meta.h"

#include <algorithm>

namespace sf {

AutogradMeta& ensure_meta(const Tensor& t) {
  auto& slot = t.impl()->autograd;
  if (!slot) slot = std::make_unique<AutogradMeta>();
  return static_cast<AutogradMeta&>(*slot);
}

namespace {

void ensure_accumulator(const Tensor& t) {
  AutogradMeta& meta = ensure_meta(t);
  if (!meta.grad) meta.grad = make_ref<GradSlot>();
  if (!meta.accumulator) meta.accumulator = make_ref<AccumulateGrad>(t, meta.grad);
}

}  // namespace

void set_requires_grad(const Tensor& t, bool value) {
  if (value && !is_floating(t.dtype())) {
    throw DtypeError("[requires_grad_] only float32 and float64 tensors can require a gradient, ",
                     "this one is ", t.dtype(), "; convert it with to(float32)");
  }
  if (!is_leaf(t)) {
    if (value) return;
    throw RuntimeError("[requires_grad_] a tensor computed by an op cannot stop requiring grad; ",
                       "use detach()");
  }
  if (value) ensure_accumulator(t);  // before the flag: a leaf that requires grad has one
  if (AutogradMeta* meta = meta_of(t)) meta->requires_grad = value;
}

Tensor grad_of(const Tensor& t) {
  const AutogradMeta* meta = meta_of(t);
  if (!meta || !meta->grad) return {};
  return meta->grad->get();
}

void set_grad(const Tensor& t, const Tensor& grad) {
  if (grad.defined() && (grad.shape() != t.shape() || grad.dtype() != t.dtype())) {
    throw ShapeError("[grad] a gradient of shape ", grad.shape(), " and dtype ", grad.dtype(),
                     " does not fit a tensor of shape ", t.shape(), " and dtype ", t.dtype());
  }
  AutogradMeta& meta = ensure_meta(t);
  if (!meta.grad) meta.grad = make_ref<GradSlot>();
  meta.grad->change([&](Tensor& now) { now = grad; });
}

Edge gradient_edge(const Tensor& t) {
  const AutogradMeta* meta = meta_of(t);
  if (!meta) return {};
  if (meta->grad_fn) return {meta->grad_fn, meta->slot};
  if (!meta->requires_grad) return {};
  return {meta->accumulator, 0};
}

namespace {

Edge edge_or_throw(const char* op, const Tensor& t) {
  Edge edge = gradient_edge(t);
  if (!edge.node) {
    throw RuntimeError("[", op, "] this tensor does not require grad; call requires_grad_() first");
  }
  return edge;
}

}  // namespace

void retain_grad(const Tensor& t) {
  const Edge edge = edge_or_throw("retain_grad", t);
  if (is_leaf(t)) return;
  AutogradMeta& meta = ensure_meta(t);
  if (!meta.grad) meta.grad = make_ref<GradSlot>();
  edge.node->outputs[edge.slot].retained = meta.grad;
}

uint64_t add_hook(const Tensor& t, std::function<Tensor(const Tensor&)> call) {
  const Edge edge = edge_or_throw("register_hook", t);
  const uint64_t id = Node::next_sequence();
  edge.node->hooks.push_back({id, edge.slot, std::move(call)});
  return id;
}

void remove_hook(Node& node, uint64_t id) {
  std::erase_if(node.hooks, [id](const Hook& hook) { return hook.id == id; });
}

Tensor detach(const Tensor& t) { return alias(t); }

namespace {

// What graphs that were recorded before such a change find in place of their leaf.
Tensor refuse(const Tensor& grad) {
  throw RuntimeError("[backward] a leaf was given data of another shape or dtype after the graph ",
                     "was recorded, a gradient of shape ", grad.shape(), " and dtype ",
                     grad.dtype(), " does not fit it any more; run the forward pass again");
}

}  // namespace

void set_data(const Tensor& t, const Tensor& data) {
  if (!is_leaf(t)) {
    throw RuntimeError("[data] only leaves take other memory, this tensor was computed by an op");
  }
  AutogradMeta* meta = meta_of(t);
  if (meta && meta->requires_grad && !is_floating(data.dtype())) {
    throw DtypeError("[data] a tensor that requires grad cannot become ", data.dtype());
  }
  const bool fits = data.shape() == t.shape() && data.dtype() == t.dtype();
  if (!fits && grad_of(t).defined()) {
    throw ShapeError("[data] the tensor has a gradient of shape ", t.shape(), " and dtype ",
                     t.dtype(), ", which does not fit data of shape ", data.shape(), " and dtype ",
                     data.dtype(), "; set .grad to None first");
  }
  if (meta && !fits) {
    if (meta->accumulator) meta->accumulator->hooks.push_back({Node::next_sequence(), 0, &refuse});
    meta->accumulator = nullptr;
    meta->grad = nullptr;
  }
  TensorImpl& impl = *t.impl();
  // A graph that saved this tensor must see that its memory is another one now.
  data.storage()->raise_version(impl.storage->version(), "data");
  const TensorImpl& from = *data.impl();
  impl.storage = from.storage;
  impl.shape = from.shape;
  impl.strides = from.strides;
  impl.offset = from.offset;
  impl.dtype = from.dtype;
  impl.recorded_changes_seen = impl.storage->recorded_changes();
  if (meta && meta->requires_grad) ensure_accumulator(t);
}

}  // namespace sf
