// What autograd knows of a tensor: whether it needs a gradient, and where it came from.
#pragma once
#include "autograd/node.h"

namespace sf {

struct AutogradMeta final : TensorExtension {
  bool requires_grad = false;  // of a leaf, asked for by the user
  bool view_of_leaf = false;   // shares memory with a leaf that requires grad
  Ref<Node> grad_fn;           // null for leaves
  uint32_t slot = 0;           // which output of grad_fn
  Ref<GradSlot> grad;
  Ref<Node> accumulator;  // of a leaf that requires grad
};

inline AutogradMeta* meta_of(const Tensor& t) {
  return static_cast<AutogradMeta*>(t.impl()->autograd.get());
}
AutogradMeta& ensure_meta(const Tensor& t);

inline bool requires_grad(const Tensor& t) {
  const AutogradMeta* meta = meta_of(t);
  return meta && (meta->requires_grad || meta->grad_fn);
}
inline bool is_leaf(const Tensor& t) {
  const AutogradMeta* meta = meta_of(t);
  return !meta || !meta->grad_fn;
}
// RuntimeError for a non-leaf that is to lose its need, DtypeError for integers.
void set_requires_grad(const Tensor& t, bool value);

Tensor grad_of(const Tensor& t);  // undefined before the first backward
void set_grad(const Tensor& t, const Tensor& grad);

// Where the gradient of t goes; an empty edge where none is needed.
Edge gradient_edge(const Tensor& t);

// Keep the gradient of a non-leaf in `.grad`.
void retain_grad(const Tensor& t);
uint64_t add_hook(const Tensor& t, std::function<Tensor(const Tensor&)> call);
void remove_hook(Node& node, uint64_t id);

// Gives a leaf other memory, shape and dtype. It stays the same tensor; hooks and, if shape or
// dtype change, graphs recorded before lose sight of it.
void set_data(const Tensor& t, const Tensor& data);

// The same memory without history: changes in place are seen by the original's version counter.
Tensor detach(const Tensor& t);

}  // namespace sf
