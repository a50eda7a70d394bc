// Nodes of the tape: one per recorded op, pointing to the nodes of its inputs.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "base/fork_mutex.h"
#include "tensor/tensor.h"

namespace sf {

class Node;
using Grads = std::vector<Tensor>;  // an undefined tensor is a gradient of zero

// Where the gradient of an input goes: output `slot` of `node`; no node, no gradient needed.
struct Edge {
  Ref<Node> node;
  uint32_t slot = 0;
};

// The `.grad` of a tensor, shared with the node that fills it so that neither owns the other.
class GradSlot final : public RefCounted {
 public:
  Tensor get() const {
    const std::lock_guard lock(mutex());
    return grad_;
  }
  // change(grad), while no other thread looks. What it held before is let go of afterwards: that
  // may run Python's code.
  template <class F>
  void change(const F& change) {
    Tensor before;
    const std::lock_guard lock(mutex());
    before = grad_;
    change(grad_);
  }

 private:
  std::mutex& mutex() const { return fork_mutex(ForkRank::kGradient, this); }
  Tensor grad_;
};

// Sees, and may replace, the gradient of one output of a node.
struct Hook {
  uint64_t id;
  uint32_t slot;
  std::function<Tensor(const Tensor&)> call;
};

class Node : public RefCounted {
 public:
  struct Output {
    Shape shape;
    Dtype dtype;
    Ref<GradSlot> retained;  // filled with the gradient if set (retain_grad)
  };

  Node(const char* name, uint64_t sequence) : name_(name), sequence_(sequence) {}

  // Gradients of the outputs in, of the inputs out (one per edge). `graph` asks for results that
  // can be differentiated again.
  virtual Grads apply(Grads grads, bool graph) = 0;
  // Drops what was saved for apply; a later apply is an error.
  virtual void release_saved() {}

  const char* name() const { return name_; }
  // Later ops have larger numbers; the engine runs the largest first.
  uint64_t sequence() const { return sequence_; }

  SmallVector<Edge> edges;
  SmallVector<Output> outputs;
  std::vector<Hook> hooks;  // run on the output gradients before apply

  static uint64_t next_sequence();

 protected:
  void set_name(const char* name) { name_ = name; }  // for names that the node itself owns
  // Chains of nodes can be 100,000 long: deletion is a loop, not a recursion.
  void last_release() const override;

 private:
  const char* name_;
  uint64_t sequence_;
  mutable const Node* next_to_delete_ = nullptr;
};

// Adds the gradient that reaches a leaf to its `.grad`.
class AccumulateGrad final : public Node {
 public:
  AccumulateGrad(const Tensor& leaf, Ref<GradSlot> slot);
  Grads apply(Grads grads, bool graph) override;

 private:
  Ref<GradSlot> slot_;
};

// Whether nobody else holds the gradient or its memory, so that a buffer can be made of it.
inline bool held_alone(const Tensor& grad) {
  return grad.impl()->use_count() == 1 && grad.storage()->use_count() == 1 &&
         grad.storage()->pooled() && grad.is_contiguous();
}

// a + b, recorded when `graph`: how gradients of several paths meet.
Tensor add_grads(const Tensor& a, const Tensor& b, bool graph);

}  // namespace sf
