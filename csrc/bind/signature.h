// Signatures of ops as text: "sum(Tensor input, int[]? dim=None, *, dtype? dtype=None) -> Tensor".
// One such line is what Python sees of an op: argument names, defaults, the stub, the error texts.
#pragma once
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

namespace sf::bind {

struct Parameter {
  std::string type;  // as written: Tensor, Tensor|Number, int[], int..., float?, ...
  std::string name;
  PyObject* interned_name;  // for a comparison by address
  PyObject* default_value;  // null if the argument is required
  bool keyword_only;
  bool variadic;  // "int...": takes one sequence or all remaining positional integers
};

struct Signature {
  explicit Signature(const char* text);

  std::string text;
  std::string name;
  std::vector<Parameter> parameters;
  std::string returns;
};

constexpr size_t kMaxParameters = 16;

// Sorts call arguments into `values`, one per parameter, defaults filled in (all borrowed). A
// variadic argument is gathered into `gathered`, which keeps it alive. Throws TypeError.
void bind_arguments(const Signature& signature, PyObject* const* args, size_t num_positional,
                    PyObject* keyword_names, PyObject** values, pybind11::object& gathered);

}  // namespace sf::bind
