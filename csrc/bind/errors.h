// C++ exceptions as Python exceptions.
#pragma once
#include <pybind11/pybind11.h>

namespace sf::bind {

// ShapeError and DtypeError, and the translation for functions bound by pybind11.
void register_errors(pybind11::module_& m);

// Inside a catch block: sets the Python exception that stands for the one being handled.
// With `op`, the [tag] of the text becomes that name: the op that was called, not one inside it.
void set_python_error(const char* op = nullptr) noexcept;

}  // namespace sf::bind
