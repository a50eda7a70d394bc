// Recording: how an op tells the tape what it computed and how to go back.
//
//   Tensor square(const Tensor& x) {
//     Tensor y = ...;
//     return record("square", y, {&x}, {&x}, [](const Backward& b) -> Grads {
//       return {mul(mul(b.grad(), b.saved(0)), 2.0)};
//     });
//   }
//
// The formula is run without recording unless a graph of the backward is wanted: written in public
// ops it serves both. Where a fused kernel is faster, it asks b.graph().
#pragma once
#include <initializer_list>
#include <span>
#include <utility>

#include "autograd/grad_mode.h"
#include "autograd/meta.h"

namespace sf {

// A tensor kept for backward, with the version it had.
class SavedTensor {
 public:
  SavedTensor() = default;
  // `node` computed `t` as one of its outputs, or null: outputs are kept without their history, so
  // that a node never owns itself.
  SavedTensor(const Tensor& t, const Node* node);
  // RuntimeError if the memory was changed since; `node` is the one that saved it.
  Tensor unpack(Node* node, size_t index) const;

 private:
  Tensor tensor_;
  uint64_t version_ = 0;
  bool is_output_ = false;
  uint32_t slot_ = 0;
};

// What a formula sees.
class Backward {
 public:
  Backward(Node& node, const Grads& grads, std::span<const SavedTensor> saved, bool graph)
      : node_(node), grads_(grads), saved_(saved), graph_(graph) {}
  // Gradient of output i, zeros if none arrived.
  Tensor grad(size_t i = 0) const;
  bool has_grad(size_t i) const { return grads_[i].defined(); }
  // Memory of the shape of output i, for a kernel that may work in place: that of its gradient
  // where nobody else holds it, new otherwise. To be asked for before grad(i).
  Tensor reusable_grad(size_t i = 0) const;
  // The i-th saved tensor; undefined if none was given in its place, or none at all.
  Tensor saved(size_t i) const { return saved_.empty() ? Tensor() : saved_[i].unpack(&node_, i); }
  // Whether input i needs a gradient; an undefined tensor may be returned for the others.
  bool needs(size_t i) const { return static_cast<bool>(node_.edges[i].node); }
  // The shape of an input that needs a gradient.
  const Shape& input_shape(size_t i) const {
    const Edge& edge = node_.edges[i];
    return edge.node->outputs[edge.slot].shape;
  }
  // Whether the result must itself be differentiable.
  bool graph() const { return graph_; }
  // A gradient that changes with no input, as that of relu between its kinks: where the result must
  // be differentiable, its derivative is zero, and not missing.
  Tensor flat(const Tensor& grad) const;

 private:
  Node& node_;
  const Grads& grads_;
  std::span<const SavedTensor> saved_;
  bool graph_;
};

using Formula = std::function<Grads(const Backward&)>;
using TensorRefs = std::span<const Tensor* const>;  // null stands for "none"

// True when an op on these inputs is to be recorded. RuntimeError if one of them shares memory with
// a tensor whose recorded in-place change its own history lacks.
bool should_record(const char* op, TensorRefs inputs);

namespace detail {
void record(const char* op, std::span<Tensor> outputs, TensorRefs inputs, TensorRefs saved,
            Formula formula);
}

// Marks `outputs` (those with floating dtype) as computed by `op` from `inputs`.
template <class F>
void record_all(const char* op, std::span<Tensor> outputs, TensorRefs inputs, TensorRefs saved,
                F&& formula) {
  if (should_record(op, inputs)) {
    detail::record(op, outputs, inputs, saved, std::forward<F>(formula));
  }
}

template <class F>
Tensor record(const char* op, Tensor out, TensorRefs inputs, TensorRefs saved, F&& formula) {
  record_all(op, std::span(&out, 1), inputs, saved, std::forward<F>(formula));
  return out;
}
template <class F>
Tensor record(const char* op, Tensor out, std::initializer_list<const Tensor*> inputs,
              std::initializer_list<const Tensor*> saved, F&& formula) {
  return record(op, std::move(out), TensorRefs(inputs.begin(), inputs.size()),
                TensorRefs(saved.begin(), saved.size()), std::forward<F>(formula));
}

// As record, for an output that is a view of `input`.
template <class F>
Tensor record_view(const char* op, Tensor out, const Tensor& input, F&& formula) {
  const Tensor* inputs[] = {&input};
  if (!should_record(op, inputs)) return out;
  detail::record(op, std::span(&out, 1), inputs, {}, std::forward<F>(formula));
  AutogradMeta& meta = ensure_meta(out);
  meta.view_of_leaf = is_leaf(input) || meta_of(input)->view_of_leaf;
  return out;
}

// In-place ops: check first, change the memory, then record. `self` is also inputs[0].
// RuntimeError for a leaf that requires grad (or a view of one) while recording.
void check_inplace(const char* op, const Tensor& self, TensorRefs inputs);
// Bumps the version and, if the change is to be recorded, gives `self` the new history.
void finish_inplace(const char* op, Tensor& self, TensorRefs inputs, TensorRefs saved,
                    Formula formula);

}  // namespace sf
