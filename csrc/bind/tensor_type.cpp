#include "bind/tensor_type.h"

#include <pybind11/pybind11.h>
#include <structmember.h>

#include "autograd/meta.h"
#include "bind/guarded.h"
#include "bind/op.h"
#include "bind/tensor_operators.h"

namespace sf::bind {
namespace {

PyTypeObject* the_type = nullptr;

PyTensor* self_of(PyObject* object) { return reinterpret_cast<PyTensor*>(object); }

void tensor_dealloc(PyObject* self) {
  PyTensor* object = self_of(self);
  PyTypeObject* type = Py_TYPE(self);
  if (object->weak_references) PyObject_ClearWeakRefs(self);
  if (object->tensor.defined() && object->tensor.impl()->wrapper == self) {
    object->tensor.impl()->wrapper = nullptr;
  }
  object->tensor.~Tensor();
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* tensor_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyErr_Format(PyExc_TypeError, "%s has no constructor of its own: write surefoot.tensor(data)",
               type->tp_name);
  return nullptr;
}

template <class F>
PyObject* value_of(PyObject* self, F&& f) {
  return guarded([&] { return py::object(f(self_of(self)->tensor)).release().ptr(); });
}

py::tuple tuple_of(const Shape& sizes) {
  py::tuple out(sizes.size());
  for (int i = 0; i < sizes.ndim(); ++i) out[static_cast<size_t>(i)] = py::int_(sizes[i]);
  return out;
}

PyObject* get_shape(PyObject* self, void*) {
  return value_of(self, [](const Tensor& t) { return tuple_of(t.shape()); });
}
PyObject* get_dtype(PyObject* self, void*) {
  return Py_NewRef(dtype_object(self_of(self)->tensor.dtype()));
}
PyObject* get_ndim(PyObject* self, void*) { return PyLong_FromLong(self_of(self)->tensor.ndim()); }
PyObject* get_requires_grad(PyObject* self, void*) {
  return PyBool_FromLong(requires_grad(self_of(self)->tensor));
}
PyObject* get_is_leaf(PyObject* self, void*) {
  return PyBool_FromLong(is_leaf(self_of(self)->tensor));
}
PyObject* get_version(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(self_of(self)->tensor.storage()->version());
}
PyObject* get_grad(PyObject* self, void*) {
  return guarded([&] { return to_python(grad_of(self_of(self)->tensor)); });
}
PyObject* get_grad_fn(PyObject* self, void*) {
  const AutogradMeta* meta = meta_of(self_of(self)->tensor);
  if (!meta || !meta->grad_fn) Py_RETURN_NONE;
  return PyUnicode_FromFormat("<backward of %s>", meta->grad_fn->name());
}

int put_requires_grad(PyObject* self, PyObject* value, void*) {
  return guarded(
      [&] {
        const int wanted = value ? PyObject_IsTrue(value) : 0;
        if (wanted < 0) throw py::error_already_set();
        set_requires_grad(self_of(self)->tensor, wanted == 1);
        return 0;
      },
      -1);
}
int put_grad(PyObject* self, PyObject* value, void*) {
  return guarded(
      [&] {
        if (value && value != Py_None && !is_tensor(value)) {
          throw TypeError("[grad] must be a Tensor or None, got ", Py_TYPE(value)->tp_name);
        }
        set_grad(self_of(self)->tensor, value && is_tensor(value) ? unwrap(value) : Tensor());
        return 0;
      },
      -1);
}

PyObject* get_data(PyObject* self, void*) {
  return guarded([&] { return wrap(detach(self_of(self)->tensor)); });
}
int put_data(PyObject* self, PyObject* value, void*) {
  return guarded(
      [&] {
        if (!value || !is_tensor(value)) throw TypeError("[data] must be a Tensor");
        set_data(self_of(self)->tensor, unwrap(value));
        return 0;
      },
      -1);
}

PyGetSetDef properties[] = {
    {"shape", get_shape, nullptr, "Sizes, as a tuple.", nullptr},
    {"dtype", get_dtype, nullptr, "Type of the elements.", nullptr},
    {"ndim", get_ndim, nullptr, "Number of dimensions.", nullptr},
    {"requires_grad", get_requires_grad, put_requires_grad,
     "Whether gradients flow to or through this tensor.", nullptr},
    {"is_leaf", get_is_leaf, nullptr, "True unless an op recorded it.", nullptr},
    {"grad", get_grad, put_grad, "The accumulated gradient; None before the first backward.",
     nullptr},
    {"data", get_data, put_data,
     "The memory without history; assigning it gives a leaf other memory, also of another dtype.",
     nullptr},
    {"grad_fn", get_grad_fn, nullptr, "What recorded this tensor; None for leaves.", nullptr},
    {"_version", get_version, nullptr, "In-place changes of the storage so far.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, static_cast<Py_ssize_t>(offsetof(PyTensor, weak_references)),
     READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

}  // namespace

PyTypeObject* tensor_type() { return the_type; }

PyObject* wrap_as(PyTypeObject* type, const Tensor& tensor) {
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) throw py::error_already_set();
  new (&self_of(self)->tensor) Tensor(tensor);
  tensor.impl()->wrapper = self;
  return self;
}

PyObject* wrap(const Tensor& tensor) {
  if (auto* object = static_cast<PyObject*>(tensor.impl()->wrapper)) return Py_NewRef(object);
  return wrap_as(the_type, tensor);
}

void register_tensor_type(py::module_& m) {
  std::vector<PyType_Slot> slots = operator_slots();
  const auto add = [&](int slot, auto* what) {
    slots.push_back({slot, reinterpret_cast<void*>(what)});
  };
  add(Py_tp_new, &tensor_new);
  add(Py_tp_dealloc, &tensor_dealloc);
  add(Py_tp_getset, properties);
  add(Py_tp_members, members);
  add(Py_tp_doc, const_cast<char*>("A strided array that remembers how it was computed."));
  slots.push_back({0, nullptr});
  PyType_Spec spec = {"surefoot.Tensor", sizeof(PyTensor), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots.data()};
  the_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!the_type) throw py::error_already_set();
  auto type = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(the_type));
  type.attr("__array_priority__") = 1000;  // array + tensor asks the tensor
  m.add_object("Tensor", type);
}

}  // namespace sf::bind
