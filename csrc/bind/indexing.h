// x[...] and x[...] = value: Python's index expressions as the Index of ops/index.h.
#pragma once
#include "bind/tensor_type.h"

namespace sf::bind {

Tensor get_index(const Tensor& t, PyObject* index);
void set_index(const Tensor& t, PyObject* index, PyObject* value);

}  // namespace sf::bind
