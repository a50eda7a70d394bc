#include "autograd/record.h"

#include <algorithm>

#include "base/fpstate.h"
#include "tensor/create.h"

namespace sf {
namespace {

class FormulaNode final : public Node {
 public:
  FormulaNode(const char* name, Formula formula)
      : Node(name, next_sequence()), formula_(std::move(formula)) {}

  Grads apply(Grads grads, bool graph) override {
    if (released_) {
      throw RuntimeError("[backward] the graph was already freed: what [", name(),
                         "] saved is gone after the first backward; pass retain_graph=True to it");
    }
    const FlushDenormals flush;
    return formula_(Backward(*this, grads, saved_, graph));
  }

  void release_saved() override {
    if (saved_.empty()) return;
    saved_.clear();
    released_ = true;
  }

  void save(TensorRefs tensors) {
    const auto given = [](const Tensor* t) { return t && t->defined(); };
    if (std::none_of(tensors.begin(), tensors.end(), given)) return;
    saved_.reserve(tensors.size());
    for (const Tensor* t : tensors) {
      saved_.push_back(given(t) ? SavedTensor(*t, this) : SavedTensor());
    }
  }

 private:
  Formula formula_;
  SmallVector<SavedTensor> saved_;
  bool released_ = false;
};

bool is_stale(const Tensor& t) {
  return t.impl()->recorded_changes_seen != t.storage()->recorded_changes();
}

}  // namespace

SavedTensor::SavedTensor(const Tensor& t, const Node* node)
    : tensor_(t), version_(t.storage()->version()) {
  const AutogradMeta* meta = meta_of(t);
  if (meta && meta->grad_fn.get() == node) {
    is_output_ = true;
    slot_ = meta->slot;
    tensor_ = alias(t);
  }
}

Tensor SavedTensor::unpack(Node* node, size_t index) const {
  if (!tensor_.defined()) return {};
  const Storage& storage = *tensor_.storage();
  if (storage.version() != version_) {
    throw RuntimeError("[", node->name(), "] backward needs the tensor of shape ", tensor_.shape(),
                       " that it saved (number ", index, ") as it was at version ", version_,
                       ", but ", storage.last_change(), " changed it in place and it is now at ",
                       "version ", storage.version(), "; use the out-of-place form or clone() it");
  }
  if (!is_output_) return tensor_;
  Tensor out = alias(tensor_);
  AutogradMeta& meta = ensure_meta(out);
  meta.grad_fn = Ref<Node>(node);
  meta.slot = slot_;
  return out;
}

Tensor Backward::grad(size_t i) const {
  if (grads_[i].defined()) return grads_[i];
  return zeros(node_.outputs[i].shape, node_.outputs[i].dtype);
}

Tensor Backward::flat(const Tensor& grad) const {
  if (!graph_ || requires_grad(grad)) return grad;
  const auto zero_for_all = [](const Backward& b) {
    Grads grads;
    for (const Edge& edge : b.node_.edges) {
      const Node::Output* to = edge.node ? &edge.node->outputs[edge.slot] : nullptr;
      grads.push_back(to ? zeros(to->shape, to->dtype) : Tensor());
    }
    return grads;
  };
  auto node = make_ref<FormulaNode>("flat", zero_for_all);
  node->edges = node_.edges;
  node->outputs.push_back({grad.shape(), grad.dtype(), nullptr});
  Tensor out = alias(grad);
  ensure_meta(out).grad_fn = node;
  return out;
}

Tensor Backward::reusable_grad(size_t i) const {
  const Tensor& g = grads_[i];
  const bool free = !graph_ && g.defined() && held_alone(g);
  return free ? g : empty(node_.outputs[i].shape, node_.outputs[i].dtype);
}

bool should_record(const char* op, TensorRefs inputs) {
  if (!GradMode::enabled()) return false;
  bool needed = false;
  for (const Tensor* t : inputs) {
    if (!t || !t->defined()) continue;
    needed |= requires_grad(*t);
    if (is_stale(*t)) {
      throw RuntimeError("[", op, "] the tensor of shape ", t->shape(), " shares memory with one ",
                         "that ", t->storage()->last_change(), " changed in place as part of a ",
                         "graph, and its own history lacks that change; take the view after the ",
                         "change, write it as x[...] = value, or clone() before changing");
    }
  }
  return needed;
}

void detail::record(const char* op, std::span<Tensor> outputs, TensorRefs inputs, TensorRefs saved,
                    Formula formula) {
  auto node = make_ref<FormulaNode>(op, std::move(formula));
  node->edges.reserve(inputs.size());
  for (const Tensor* t : inputs) {
    node->edges.push_back(t && t->defined() ? gradient_edge(*t) : Edge{});
  }
  node->outputs.reserve(outputs.size());
  for (Tensor& out : outputs) {
    const auto slot = static_cast<uint32_t>(node->outputs.size());
    node->outputs.push_back({out.shape(), out.dtype(), nullptr});
    if (!is_floating(out.dtype())) continue;
    AutogradMeta& meta = ensure_meta(out);
    meta.grad_fn = node;
    meta.slot = slot;
  }
  node->save(saved);
}

void check_inplace(const char* op, const Tensor& self, TensorRefs inputs) {
  check_writable(op, self);
  if (!should_record(op, inputs)) return;
  const AutogradMeta* meta = meta_of(self);
  if (meta && !meta->grad_fn && meta->requires_grad) {
    throw RuntimeError("[", op, "] a leaf that requires grad cannot be changed in place while ",
                       "gradients are recorded; do it inside no_grad()");
  }
  if (meta && meta->view_of_leaf) {
    throw RuntimeError("[", op, "] this is a view of a leaf that requires grad, which cannot be ",
                       "changed in place while gradients are recorded; do it inside no_grad()");
  }
}

void finish_inplace(const char* op, Tensor& self, TensorRefs inputs, TensorRefs saved,
                    Formula formula) {
  self.storage()->bump(op);
  if (!should_record(op, inputs)) return;
  detail::record(op, std::span(&self, 1), inputs, saved, std::move(formula));
  self.impl()->recorded_changes_seen = self.storage()->bump_recorded();
}

}  // namespace sf
