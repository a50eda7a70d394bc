// The exceptions of the core. Each becomes the Python exception of the same name (bind/errors.cpp).
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace sf {

// Concatenates its arguments as a stream would: str("[sum] dim ", dim, " is out of range").
template <class... Args>
std::string str(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
  template <class First, class... Rest>
    requires(sizeof...(Rest) > 0)
  Error(const First& first, const Rest&... rest) : std::runtime_error(str(first, rest...)) {}
};

// A value that no shape or hyper-parameter may have.
struct ValueError : Error {
  using Error::Error;
};
// Shapes that do not fit each other; in Python both a ValueError and a RuntimeError, so that code
// written for NumPy and code written for PyTorch catch it alike.
struct ShapeError : Error {
  using Error::Error;
};
// Dtypes that an op does not take; in Python both a TypeError and a RuntimeError.
struct DtypeError : Error {
  using Error::Error;
};
struct TypeError : Error {
  using Error::Error;
};
struct IndexError : Error {
  using Error::Error;
};
struct RuntimeError : Error {
  using Error::Error;
};
struct NotImplementedError : Error {
  using Error::Error;
};
struct MemoryError : Error {
  using Error::Error;
};

}  // namespace sf
