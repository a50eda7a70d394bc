// In-place forms that compute elsewhere first, and filling.
#pragma once
#include <initializer_list>

#include "tensor/tensor.h"

namespace sf {

// Throws unless `op` may change self, given the tensors it reads. Returns self, or a copy with its
// history where the graph will need the old values.
Tensor old_value(const char* op, const Tensor& self, std::initializer_list<Tensor> others = {});
// self[...] = result, which must have its shape and a dtype that it can hold.
Tensor store_(const char* op, Tensor self, const Tensor& result);
// self[...] = value, a 0-d tensor.
Tensor fill_(Tensor self, const Tensor& value);

}  // namespace sf
