// Work without Python's global lock.
#pragma once
#include <cxxabi.h>
#include <pybind11/pybind11.h>

#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

namespace sf::bind {

// Calls f without the lock and takes it back. A thread that wants the lock of an interpreter that
// has ended is ended by Python (until 3.13) by unwinding its stack, through frames that may not run
// without the lock: it sleeps here instead until the process is gone, as Python 3.14 has it.
template <class F>
auto without_gil(F&& f) -> decltype(f()) {
  using R = decltype(f());
  if (!PyGILState_Check()) return f();  // given back already, for an op on large tensors
  std::conditional_t<std::is_void_v<R>, std::optional<bool>, std::optional<R>> result;
  std::exception_ptr error;
  PyThreadState* state = PyEval_SaveThread();
  try {
    try {
      if constexpr (std::is_void_v<R>) {
        f();
      } else {
        result.emplace(f());
      }
    } catch (abi::__forced_unwind&) {
      throw;
    } catch (...) {
      error = std::current_exception();
    }
    PyEval_RestoreThread(state);
  } catch (abi::__forced_unwind&) {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
  if (error) std::rethrow_exception(error);
  if constexpr (!std::is_void_v<R>) return *std::move(result);
}

}  // namespace sf::bind
