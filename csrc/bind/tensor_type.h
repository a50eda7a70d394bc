// The Python type Tensor: a hand-written CPython type, because creating an object and calling a
// method are what an eager op mostly costs. Everything cold goes through pybind11.
#pragma once
#include <pybind11/pybind11.h>

#include "tensor/tensor.h"

namespace sf::bind {

namespace py = pybind11;

struct PyTensor {
  PyObject_HEAD PyObject* weak_references;
  Tensor tensor;
};

// Creates the type and adds it to the module.
void register_tensor_type(py::module_& m);
PyTypeObject* tensor_type();

inline bool is_tensor(PyObject* object) { return PyObject_TypeCheck(object, tensor_type()); }
inline const Tensor& unwrap(PyObject* object) {
  return reinterpret_cast<PyTensor*>(object)->tensor;
}
// The Python object of a tensor: the one that already stands for it, or a new one. New reference.
PyObject* wrap(const Tensor& tensor);
// The same as an instance of a subclass of Tensor; `tensor` must have no object yet.
PyObject* wrap_as(PyTypeObject* type, const Tensor& tensor);

}  // namespace sf::bind

// Tensors in the signatures of pybind11 functions.
namespace pybind11::detail {
template <>
struct type_caster<sf::Tensor> {
  PYBIND11_TYPE_CASTER(sf::Tensor, const_name("Tensor"));

  bool load(handle source, bool) {
    if (!sf::bind::is_tensor(source.ptr())) return false;
    value = sf::bind::unwrap(source.ptr());
    return true;
  }
  static handle cast(const sf::Tensor& tensor, return_value_policy, handle) {
    if (!tensor.defined()) return none().release();
    return sf::bind::wrap(tensor);
  }
};
}  // namespace pybind11::detail

// Intrusive references as holders of pybind11 classes.
PYBIND11_DECLARE_HOLDER_TYPE(T, sf::Ref<T>, true)
