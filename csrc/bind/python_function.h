// surefoot.autograd.Function: an op whose backward is Python.
#pragma once
#include <string>
#include <vector>

#include "bind/tensor_type.h"

namespace sf::bind {

// Records `outputs` as computed from `inputs` by a function of Python. `backward(ctx, grads)` gets
// a list with one gradient per output and returns one per input (a tensor or None).
void record_python_function(const std::string& name, const std::vector<Tensor>& outputs,
                            const std::vector<Tensor>& inputs, const py::object& ctx,
                            const py::object& backward, const std::vector<Tensor>& inplace);

}  // namespace sf::bind
