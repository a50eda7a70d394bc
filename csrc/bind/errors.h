// C++ exceptions as Python exceptions.
#pragma once
#include <pybind11/pybind11.h>

namespace sf::bind {

// ShapeError and DtypeError, and the translation for functions bound by pybind11.
void register_errors(pybind11::module_& m);

// Inside a catch block: sets the Python exception that stands for the one being handled.
void set_python_error() noexcept;

}  // namespace sf::bind
