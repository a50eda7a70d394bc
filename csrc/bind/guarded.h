// The border to the C API of Python: no exception may cross it.
#pragma once
#include <utility>

#include "bind/errors.h"

namespace sf::bind {

// Runs f; an exception becomes Python's and `failed` the result.
template <class F, class R>
R guarded(F&& f, R failed) noexcept {
  try {
    return f();
  } catch (...) {
    set_python_error();
    return failed;
  }
}

// The same for what returns an object.
template <class F>
PyObject* guarded(F&& f) noexcept {
  return guarded(std::forward<F>(f), static_cast<PyObject*>(nullptr));
}

}  // namespace sf::bind
