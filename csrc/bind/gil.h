// Work without Python's global lock.
#pragma once
#include <pybind11/pybind11.h>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace sf::bind {

// Calls f without the lock and takes it back. No guard object: if the interpreter ends meanwhile,
// taking the lock ends this thread by unwinding its stack, which must not start in a destructor.
template <class F>
auto without_gil(F&& f) {
  using R = decltype(f());
  std::conditional_t<std::is_void_v<R>, std::optional<bool>, std::optional<R>> result;
  std::exception_ptr error;
  PyThreadState* state = PyEval_SaveThread();
  try {
    if constexpr (std::is_void_v<R>) {
      f();
    } else {
      result.emplace(f());
    }
  } catch (...) {
    error = std::current_exception();
  }
  PyEval_RestoreThread(state);
  if (error) std::rethrow_exception(error);
  if constexpr (!std::is_void_v<R>) return *std::move(result);
}

}  // namespace sf::bind
