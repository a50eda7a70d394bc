#include "bind/from_python.h"

#include "bind/numpy_interop.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

[[noreturn]] void expected(const char* what, PyObject* got) {
  throw TypeError("must be ", what, ", got ", Py_TYPE(got)->tp_name);
}

PyObject* dtype_objects[kNumDtypes];

struct PyDtype {
  Dtype value;
};

// The name that NumPy has for a dtype-like object, "" if it knows none.
std::string numpy_name(PyObject* object) {
  try {
    return py::str(py::dtype::from_args(py::reinterpret_borrow<py::object>(object)).attr("name"));
  } catch (py::error_already_set&) {
    return "";
  }
}

}  // namespace

Dtype Operand::promoted(Dtype other) const {
  if (tensor.defined()) return promote(tensor.dtype(), other);
  const Dtype least = is_float ? Dtype::kFloat32 : is_bool ? Dtype::kBool : Dtype::kInt64;
  return kind_of(least) <= kind_of(other) ? other : least;
}

Tensor Operand::resolve(Dtype other) const {
  if (tensor.defined()) return tensor;
  const Dtype dtype = promoted(other);
  return is_floating(dtype) ? full({}, number, dtype) : full_int({}, integer, dtype);
}

Tensor Operand::stored(Dtype dtype) const {
  if (tensor.defined()) return tensor;
  return is_float ? full({}, number, dtype) : full_int({}, integer, dtype);
}

namespace {

Dtype own_dtype(const Operand& a) {
  return a.tensor.defined() ? a.tensor.dtype() : a.promoted(Dtype::kBool);
}

Tensor exact(const Operand& a, Dtype other) {
  const bool is_too_large = !a.tensor.defined() && !a.is_float && !holds(other, a.integer);
  return is_too_large ? full_int({}, a.integer, Dtype::kInt64) : a.resolve(other);
}

}  // namespace

std::pair<Tensor, Tensor> resolve(const Operand& a, const Operand& b) {
  return {a.resolve(own_dtype(b)), b.resolve(own_dtype(a))};
}

std::pair<Tensor, Tensor> resolve_exact(const Operand& a, const Operand& b) {
  return {exact(a, own_dtype(b)), exact(b, own_dtype(a))};
}

Tensor From<Tensor>::get(PyObject* object) {
  if (!is_tensor(object)) expected("a Tensor", object);
  return unwrap(object);
}

Operand From<Operand>::get(PyObject* object) {
  Operand out;
  if (is_tensor(object)) {
    out.tensor = unwrap(object);
  } else if (PyBool_Check(object)) {
    out.is_bool = true;
    out.integer = object == Py_True;
    out.number = static_cast<double>(out.integer);
  } else if (PyLong_Check(object)) {
    out.integer = From<int64_t>::get(object);
    out.number = static_cast<double>(out.integer);
  } else if (PyFloat_Check(object)) {
    out.is_float = true;
    out.number = PyFloat_AS_DOUBLE(object);
  } else if (is_numpy_scalar(object)) {
    return get(py::reinterpret_borrow<py::object>(object).attr("item")().ptr());
  } else if (const auto array = tensor_of_array(object)) {
    out.tensor = *array;
  } else {
    expected("a Tensor or a number", object);
  }
  return out;
}

double From<double>::get(PyObject* object) {
  if (is_tensor(object)) return item_as_double(unwrap(object));
  const double value = PyFloat_AsDouble(object);
  if (value == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    expected("a number", object);
  }
  return value;
}

int64_t From<int64_t>::get(PyObject* object) {
  PyObject* index = PyNumber_Index(object);
  if (!index) {
    PyErr_Clear();
    expected("an integer", object);
  }
  const long long value = PyLong_AsLongLong(index);
  Py_DECREF(index);
  if (value == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    throw ValueError("does not fit a 64-bit integer");
  }
  return value;
}

int From<int>::get(PyObject* object) {
  const int64_t value = From<int64_t>::get(object);
  if (value != static_cast<int>(value)) throw ValueError("does not fit a 32-bit integer");
  return static_cast<int>(value);
}

bool From<bool>::get(PyObject* object) {
  if (PyBool_Check(object)) return object == Py_True;
  if (PyLong_Check(object)) return PyObject_IsTrue(object) != 0;
  if (is_numpy_scalar(object)) return PyObject_IsTrue(object) != 0;
  expected("True or False", object);
}

std::string From<std::string>::get(PyObject* object) {
  const char* text = PyUnicode_Check(object) ? PyUnicode_AsUTF8(object) : nullptr;
  if (!text) expected("a string", object);
  return text;
}

Shape From<Shape>::get(PyObject* object) {
  if (PyIndex_Check(object) && !PySequence_Check(object)) return Shape{From<int64_t>::get(object)};
  if (is_tensor(object) || PyUnicode_Check(object) || !PySequence_Check(object)) {
    expected("an integer or a sequence of integers", object);
  }
  Shape out;
  const auto items = py::reinterpret_steal<py::object>(
      PySequence_Fast(object, "expected an integer or a sequence of integers"));
  if (!items) throw py::error_already_set();
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(items.ptr());
  for (Py_ssize_t i = 0; i < n; ++i) {
    out.push_back(From<int64_t>::get(PySequence_Fast_GET_ITEM(items.ptr(), i)));
  }
  return out;
}

std::vector<double> From<std::vector<double>>::get(PyObject* object) {
  if (!PyList_Check(object) && !PyTuple_Check(object)) return {From<double>::get(object)};
  std::vector<double> out;
  out.reserve(static_cast<size_t>(PySequence_Fast_GET_SIZE(object)));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
    out.push_back(From<double>::get(PySequence_Fast_GET_ITEM(object, i)));
  }
  return out;
}

Ref<Generator> generator_of(PyObject* object) {
  if (object == Py_None) return Ref<Generator>(&default_generator());
  if (!py::isinstance<Generator>(object)) expected("a Generator or None", object);
  return Ref<Generator>(py::cast<Generator*>(py::handle(object)));
}

Generator* From<Generator*>::get(PyObject* object) { return generator_of(object).get(); }

PyObject* dtype_object(Dtype dtype) { return dtype_objects[static_cast<int>(dtype)]; }

bool is_dtype_like(PyObject* object) {
  return py::isinstance<PyDtype>(object) || PyType_Check(object) ||
         py::isinstance<py::dtype>(object);
}

Dtype From<Dtype>::get(PyObject* object) {
  if (py::isinstance<PyDtype>(object)) return py::cast<PyDtype>(py::handle(object)).value;
  const std::string name = object == Py_None ? "" : numpy_name(object);
  for (int i = 0; i < kNumDtypes; ++i) {
    if (name == name_of(static_cast<Dtype>(i))) return static_cast<Dtype>(i);
  }
  expected("a dtype (float32, float64, int64, int32, uint8 or bool)", object);
}

void register_dtypes(py::module_& m) {
  py::class_<PyDtype>(m, "dtype", "The type of a tensor's elements: surefoot.float32 and so on.")
      .def("__repr__", [](PyDtype self) { return str("surefoot.", self.value); })
      .def("__reduce__",
           [](PyDtype self) {
             const py::object get = py::module_::import("builtins").attr("getattr");
             const py::object core = py::module_::import("surefoot._core");
             return py::make_tuple(get, py::make_tuple(core, name_of(self.value)));
           })
      .def_property_readonly(
          "itemsize", [](PyDtype self) { return size_of(self.value); }, "Bytes of one element.")
      .def_property_readonly("is_floating_point",
                             [](PyDtype self) { return is_floating(self.value); })
      .def_property_readonly(
          "dtype", [](PyDtype self) { return numpy_dtype(self.value); },
          "The dtype of NumPy, so that np.dtype(surefoot.float32) works.");
  for (int i = 0; i < kNumDtypes; ++i) {
    const auto dtype = static_cast<Dtype>(i);
    dtype_objects[i] = py::cast(PyDtype{dtype}).release().ptr();
    m.add_object(name_of(dtype), py::reinterpret_borrow<py::object>(dtype_objects[i]));
  }
}

}  // namespace sf::bind
