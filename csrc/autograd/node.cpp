#include "autograd/node.h"

#include <limits>

#include "autograd/grad_mode.h"
#include "autograd/record.h"
#include "kernels/elementwise.h"
#include "tensor/create.h"

namespace sf {

uint64_t Node::next_sequence() {
  static std::atomic<uint64_t> counter{0};
  return counter.fetch_add(1, std::memory_order_relaxed);
}

void Node::last_release() const {
  static thread_local const Node* pending = nullptr;
  static thread_local bool deleting = false;
  next_to_delete_ = pending;
  pending = this;
  if (deleting) return;
  deleting = true;
  while (pending) {
    const Node* node = pending;
    pending = node->next_to_delete_;
    delete node;
  }
  deleting = false;
}

AccumulateGrad::AccumulateGrad(const Tensor& leaf, Ref<GradSlot> slot)
    : Node("accumulate_grad", std::numeric_limits<uint64_t>::max()), slot_(std::move(slot)) {
  outputs.push_back({leaf.shape(), leaf.dtype(), nullptr});
}

Grads AccumulateGrad::apply(Grads grads, bool graph) {
  const Tensor& grad = grads[0];
  if (!grad.defined()) return {};
  slot_->change([&](Tensor& sum) {
    if (!sum.defined()) {
      // What somebody else holds must not become the buffer that later backward passes add into.
      sum = held_alone(grad) || graph ? grad : copy_as(grad, grad.dtype());
    } else if (graph || !sum.is_contiguous()) {
      sum = add_grads(sum, grad, graph);
    } else {
      run_binary(Binary::add, sum.array(), grad.array(), sum.array());
      sum.storage()->bump("accumulate_grad");
    }
  });
  return {};
}

Tensor add_grads(const Tensor& a, const Tensor& b, bool graph) {
  Tensor out = empty(a.shape(), a.dtype());
  run_binary(Binary::add, a.array(), b.array(), out.array());
  if (!graph) return out;
  return record("add", out, {&a, &b}, {},
                [](const Backward& back) -> Grads { return {back.grad(), back.grad()}; });
}

}  // namespace sf
