// The backward pass.
#pragma once
#include "autograd/node.h"

namespace sf {

// Adds the gradients of sum(roots * root_grads) to the `.grad` of the leaves. An undefined root
// gradient stands for 1 and needs a one-element root.
void backward(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads,
              bool retain_graph);

struct GradOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool allow_unused = false;
};

// The gradients with respect to `inputs`, in their order; nothing is accumulated.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& output_grads, const GradOptions& options);

}  // namespace sf
