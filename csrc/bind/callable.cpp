// The call of a module as a slot in C: with a `__call__` written in Python, every call of a layer
// passes a frame and a look-up more than `forward` itself.
#include "bind/module.h"

namespace sf::bind {
namespace {

namespace py = pybind11;

struct CallNames {
  PyObject* hooks = PyUnicode_InternFromString("_hooks");
  PyObject* call_with_hooks = PyUnicode_InternFromString("_call_with_hooks");
  PyObject* forward = PyUnicode_InternFromString("forward");
};

// self.forward(*args, **kwargs), or self._call_with_hooks(hooks, args, kwargs or None) if the hooks
// in self._hooks are not None.
PyObject* call_forward(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const CallNames names;
  const auto hooks = py::reinterpret_steal<py::object>(PyObject_GetAttr(self, names.hooks));
  if (!hooks) return nullptr;
  if (!hooks.is_none()) {
    PyObject* const given = kwargs ? kwargs : Py_None;
    return PyObject_CallMethodObjArgs(self, names.call_with_hooks, hooks.ptr(), args, given,
                                      nullptr);
  }
  const auto forward = py::reinterpret_steal<py::object>(PyObject_GetAttr(self, names.forward));
  return forward ? PyObject_Call(forward.ptr(), args, kwargs) : nullptr;
}

}  // namespace

void bind_callable(py::module_& m) {
  PyType_Slot slots[] = {
      {Py_tp_call, reinterpret_cast<void*>(&call_forward)},
      {Py_tp_doc, const_cast<char*>("Calls forward(), by way of the hooks if there are any.")},
      {0, nullptr}};
  PyType_Spec spec = {"surefoot._core._Callable", sizeof(PyObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  const auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  m.add_object("_Callable", type);
}

}  // namespace sf::bind
