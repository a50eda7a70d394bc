// Python values as the C++ types that ops take. From<T>::get throws TypeError with what was
// expected; the caller adds the names of op and argument.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "bind/tensor_type.h"

namespace sf::bind {

// A tensor or a Python number. A number takes the dtype of the tensors it meets where its kind
// (bool, integer, float) allows: it never widens them.
struct Operand {
  Tensor tensor;  // undefined for a number
  bool is_float = false, is_bool = false;
  double number = 0;
  int64_t integer = 0;  // of bool and integer, exact

  // The operand as a tensor, 0-d for a number, next to tensors of dtype `other`. ValueError for a
  // number that the dtype cannot hold.
  Tensor resolve(Dtype other) const;
  // The same for what is put into a tensor of that dtype: a number becomes what the tensor holds.
  Tensor stored(Dtype dtype) const;
  // The dtype that the number brings into promotion with `other`.
  Dtype promoted(Dtype other) const;
};

// Two operands as tensors; at least one of them is a tensor or both get their default dtype.
std::pair<Tensor, Tensor> resolve(const Operand& a, const Operand& b);
// The same for comparisons, which are exact: an integer that the other's dtype cannot hold is
// int64.
std::pair<Tensor, Tensor> resolve_exact(const Operand& a, const Operand& b);

PyObject* dtype_object(Dtype dtype);  // borrowed
bool is_dtype_like(PyObject* object);
void register_dtypes(py::module_& m);
Ref<Generator> generator_of(PyObject* object);  // of None: the default generator

template <class T>
struct From;

template <>
struct From<Tensor> {
  static Tensor get(PyObject* object);
};
template <>
struct From<Operand> {
  static Operand get(PyObject* object);
};
template <>
struct From<double> {
  static double get(PyObject* object);
};
template <>
struct From<int64_t> {
  static int64_t get(PyObject* object);
};
template <>
struct From<int> {
  static int get(PyObject* object);
};
template <>
struct From<bool> {
  static bool get(PyObject* object);
};
template <>
struct From<std::string> {
  static std::string get(PyObject* object);
};
template <>
struct From<Dtype> {
  static Dtype get(PyObject* object);
};
template <>
struct From<Shape> {  // a sequence of integers, or one integer
  static Shape get(PyObject* object);
};
template <>
struct From<Generator*> {
  static Generator* get(PyObject* object);
};
template <>
struct From<py::object> {
  static py::object get(PyObject* object) { return py::reinterpret_borrow<py::object>(object); }
};
template <>
struct From<std::vector<double>> {  // a sequence of numbers, or one number
  static std::vector<double> get(PyObject* object);
};
template <class T>
struct From<std::optional<T>> {
  static std::optional<T> get(PyObject* object) {
    if (object == Py_None) return std::nullopt;
    return From<T>::get(object);
  }
};
template <class T>
struct From<std::vector<T>> {
  static std::vector<T> get(PyObject* object) {
    std::vector<T> out;
    if (!PyList_Check(object) && !PyTuple_Check(object)) {
      throw TypeError("must be a list or tuple, got ", Py_TYPE(object)->tp_name);
    }
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(object);
    out.reserve(static_cast<size_t>(n));
    for (Py_ssize_t i = 0; i < n; ++i) {
      out.push_back(From<T>::get(PySequence_Fast_GET_ITEM(object, i)));
    }
    return out;
  }
};

}  // namespace sf::bind
