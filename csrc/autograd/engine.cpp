#include "autograd/engine.h"

#include <algorithm>
#include <utility>

#include "autograd/grad_mode.h"
#include "autograd/meta.h"
#include "kernels/elementwise.h"
#include "tensor/create.h"

namespace sf {
namespace {

struct Capture {
  uint32_t slot;
  Tensor* into;
};

// What a pass knows of a node.
struct State {
  Grads grads;
  std::vector<Capture> captures;
  int64_t waiting = 0;  // edges that have not delivered yet
  bool seen = false;
  bool queued = false;
  bool needed = false;  // leads to a capture
};

// The states by node: a hash table without an allocation per node.
class States {
 public:
  States() : slots_(128) { states_.reserve(slots_.size() / 2); }

  // Made on first use. A reference is good until another node's first use.
  State& operator[](const Node* node) {
    Slot& slot = find(node);
    if (!slot.node) {
      if (states_.size() == slots_.size() / 2) {
        grow();
        return (*this)[node];
      }
      slot = {node, states_.size()};
      states_.emplace_back();
    }
    return states_[slot.index];
  }

 private:
  struct Slot {
    const Node* node = nullptr;
    size_t index = 0;
  };

  Slot& find(const Node* node) {
    const size_t mask = slots_.size() - 1;
    size_t at = (reinterpret_cast<uintptr_t>(node) * 0x9E3779B97F4A7C15u >> 32) & mask;
    while (slots_[at].node && slots_[at].node != node) at = (at + 1) & mask;
    return slots_[at];
  }

  void grow() {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    for (const Slot& slot : old) {
      if (slot.node) find(slot.node) = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two, at most half of them taken
  std::vector<State> states_;
};

// One backward pass: gradients wait at their node until all paths to it have arrived.
class Pass {
 public:
  Pass(bool retain_graph, bool create_graph) : retain_(retain_graph), graph_(create_graph) {}

  // Gradients that reach this edge are wanted, and only what leads to such an edge is run.
  void capture(const Edge& edge, Tensor* into) {
    states_[edge.node.get()].captures.push_back({edge.slot, into});
    only_captured_ = true;
  }

  void run(const std::vector<Edge>& roots, const std::vector<Tensor>& grads) {
    const GradModeGuard mode(graph_);
    count_paths(roots);
    for (size_t i = 0; i < roots.size(); ++i)
      send(states_[roots[i].node.get()], roots[i], grads[i]);
    for (const Edge& root : roots) make_ready(states_[root.node.get()], root.node.get());
    while (!ready_.empty()) {
      std::pop_heap(ready_.begin(), ready_.end(), runs_later);
      const Ref<Node> node(ready_.back());
      ready_.pop_back();
      visit(*node);
    }
  }

 private:
  static bool runs_later(const Node* a, const Node* b) { return a->sequence() < b->sequence(); }

  // Walks the graph once without recursion; children are finished before their parents, which
  // settles `needed` on the way back.
  void count_paths(const std::vector<Edge>& roots) {
    struct Frame {
      Node* node;
      size_t next_edge;
    };
    std::vector<Frame> stack;
    const auto enter = [&](Node* node) {
      State& state = states_[node];
      if (state.seen) return;
      state.seen = true;
      state.needed = !only_captured_ || !state.captures.empty();
      stack.push_back({node, 0});
    };
    for (const Edge& root : roots) {
      enter(root.node.get());
      while (!stack.empty()) {
        Frame& frame = stack.back();
        if (frame.next_edge < frame.node->edges.size()) {
          Node* child = frame.node->edges[frame.next_edge++].node.get();
          if (!child) continue;
          ++states_[child].waiting;
          enter(child);
          continue;
        }
        State& state = states_[frame.node];
        for (const Edge& edge : frame.node->edges) {
          if (edge.node) state.needed |= states_[edge.node.get()].needed;
        }
        stack.pop_back();
      }
    }
  }

  void send(State& state, const Edge& edge, Tensor grad) {
    state.grads.resize(edge.node->outputs.size());
    Tensor& sum = state.grads[edge.slot];
    if (!sum.defined()) {
      sum = std::move(grad);
    } else if (!graph_ && held_alone(sum)) {
      run_binary(Binary::add, sum.array(), grad.array(), sum.array());
    } else {
      sum = add_grads(sum, grad, graph_);
    }
  }

  void make_ready(State& state, Node* node) {
    if (state.waiting > 0 || state.queued) return;
    state.queued = true;
    ready_.push_back(node);
    std::push_heap(ready_.begin(), ready_.end(), runs_later);
  }

  void visit(Node& node) {
    State& state = states_[&node];
    Grads grads = std::move(state.grads);
    grads.resize(node.outputs.size());
    const bool arrived =
        std::any_of(grads.begin(), grads.end(), [](const Tensor& grad) { return grad.defined(); });
    Grads out;
    if (arrived && state.needed) {
      run_hooks(node, grads);
      for (const Capture& capture : state.captures) *capture.into = grads[capture.slot];
      if (runs(node, state)) {
        out = node.apply(std::move(grads), graph_);
        if (!retain_) node.release_saved();
      }
    }
    deliver(node, std::move(out));
  }

  // While gradients are captured, leaves are left alone, and so is what lies below the last wanted
  // gradient.
  bool runs(const Node& node, const State& state) {
    if (!only_captured_) return true;
    if (node.edges.empty()) return false;
    return state.captures.empty() ||
           std::any_of(node.edges.begin(), node.edges.end(), [&](const Edge& edge) {
             return edge.node && states_[edge.node.get()].needed;
           });
  }

  static void run_hooks(Node& node, Grads& grads) {
    const std::vector<Hook> hooks = node.hooks;  // a hook may remove itself
    for (const Hook& hook : hooks) {
      Tensor& grad = grads[hook.slot];
      if (!grad.defined()) continue;
      Tensor changed = hook.call(grad);
      if (!changed.defined()) continue;
      check_fits(node, hook.slot, changed, "a hook on");
      grad = std::move(changed);
    }
    for (size_t i = 0; i < grads.size(); ++i) {
      GradSlot* retained = node.outputs[i].retained.get();
      if (!retained || !grads[i].defined()) continue;
      retained->change(
          [&](Tensor& sum) { sum = sum.defined() ? add_grads(sum, grads[i], false) : grads[i]; });
    }
  }

  static void check_fits(const Node& target, size_t slot, const Tensor& grad, const char* who) {
    const Node::Output& expected = target.outputs[slot];
    if (grad.shape() == expected.shape && grad.dtype() == expected.dtype) return;
    throw RuntimeError("[backward] ", who, " [", target.name(), "] gave a gradient of shape ",
                       grad.shape(), " and dtype ", grad.dtype(), ", expected ", expected.shape,
                       " and ", expected.dtype);
  }

  void deliver(const Node& node, Grads out) {
    if (!out.empty() && out.size() != node.edges.size()) {
      throw RuntimeError("[backward] [", node.name(), "] returned ", out.size(), " gradients for ",
                         node.edges.size(), " inputs");
    }
    for (size_t i = 0; i < node.edges.size(); ++i) {
      const Edge& edge = node.edges[i];
      if (!edge.node) continue;
      State& state = states_[edge.node.get()];
      if (!out.empty() && out[i].defined()) {
        check_fits(*edge.node, edge.slot, out[i], node.name());
        send(state, edge, std::move(out[i]));
      }
      --state.waiting;
      make_ready(state, edge.node.get());
    }
  }

  bool retain_;
  bool graph_;
  bool only_captured_ = false;
  States states_;
  std::vector<Node*> ready_;
};

Tensor root_grad(const char* op, const Tensor& root, const Tensor& grad) {
  if (!grad.defined()) {
    if (root.numel() != 1) {
      throw RuntimeError("[", op, "] the gradient of a tensor of shape ", root.shape(),
                         " can only start by itself when it has one element; pass a gradient of ",
                         "that shape, or reduce it with sum() or mean()");
    }
    return full(root.shape(), 1, root.dtype());
  }
  if (grad.shape() != root.shape()) {
    throw ShapeError("[", op, "] a gradient of shape ", grad.shape(),
                     " does not fit an output of shape ", root.shape());
  }
  if (grad.dtype() != root.dtype()) {
    throw DtypeError("[", op, "] a gradient of dtype ", grad.dtype(),
                     " does not fit an output of dtype ", root.dtype());
  }
  return grad;
}

struct Roots {
  std::vector<Edge> edges;
  std::vector<Tensor> grads;
};

Roots find_roots(const char* op, const std::vector<Tensor>& roots,
                 const std::vector<Tensor>& grads) {
  if (!grads.empty() && grads.size() != roots.size()) {
    throw RuntimeError("[", op, "] ", grads.size(), " gradients for ", roots.size(), " outputs");
  }
  Roots out;
  for (size_t i = 0; i < roots.size(); ++i) {
    Edge edge = gradient_edge(roots[i]);
    if (!edge.node) {
      throw RuntimeError("[", op, "] output ", i, " of shape ", roots[i].shape(),
                         " does not require grad: nothing it was computed from does, or it was ",
                         "computed inside no_grad()");
    }
    out.grads.push_back(root_grad(op, roots[i], grads.empty() ? Tensor() : grads[i]));
    out.edges.push_back(std::move(edge));
  }
  return out;
}

}  // namespace

void backward(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads,
              bool retain_graph) {
  const Roots start = find_roots("backward", roots, root_grads);
  Pass(retain_graph, false).run(start.edges, start.grads);
}

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& output_grads, const GradOptions& options) {
  const Roots start = find_roots("grad", outputs, output_grads);
  std::vector<Tensor> result(inputs.size());
  Pass pass(options.retain_graph || options.create_graph, options.create_graph);
  std::vector<Edge> wanted;  // keeps the nodes alive while the pass knows them by address
  for (size_t i = 0; i < inputs.size(); ++i) {
    wanted.push_back(gradient_edge(inputs[i]));
    if (!wanted[i].node) {
      throw RuntimeError("[grad] input ", i, " of shape ", inputs[i].shape(),
                         " does not require grad; call requires_grad_() before using it");
    }
    pass.capture(wanted[i], &result[i]);
  }
  pass.run(start.edges, start.grads);
  for (size_t i = 0; i < inputs.size() && !options.allow_unused; ++i) {
    if (result[i].defined()) continue;
    throw RuntimeError("[grad] input ", i, " of shape ", inputs[i].shape(), " was not used to ",
                       "compute the outputs; pass allow_unused=True to get None for it");
  }
  return result;
}

}  // namespace sf
