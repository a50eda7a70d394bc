// The parts of the module that are not ops.
#pragma once
#include <pybind11/pybind11.h>

namespace sf::bind {

void bind_autograd(pybind11::module_& m);
void bind_callable(pybind11::module_& m);  // the base of nn.Module
void bind_data(pybind11::module_& m);
void bind_linalg(pybind11::module_& m);
void bind_optim(pybind11::module_& m);
void bind_runtime(pybind11::module_& m);  // threads, ISA, memory, random streams

}  // namespace sf::bind
