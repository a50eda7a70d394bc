#include "bind/op.h"

#include <structmember.h>

namespace sf::bind {
namespace {

// The callable that Python sees. As a method it binds like any function of a class; as a function
// it does not, so that it can be kept as an attribute of a class.
struct PyOp {
  PyObject_HEAD vectorcallfunc vectorcall;
  const Op* op;
  PyObject* module;
};

PyObject* op_vectorcall(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* names) {
  const auto nargs = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
  return call_op(*reinterpret_cast<PyOp*>(self)->op, args, nargs, names);
}

PyObject* op_bind(PyObject* self, PyObject* object, PyObject*) {
  if (!object || object == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, object);
}

const Op& op_of(PyObject* self) { return *reinterpret_cast<PyOp*>(self)->op; }

PyObject* op_repr(PyObject* self) {
  return PyUnicode_FromFormat("<op %s>", op_of(self).signature.text.c_str());
}
PyObject* op_name(PyObject* self, void*) {
  return PyUnicode_FromString(op_of(self).signature.name.c_str());
}
PyObject* op_doc(PyObject* self, void*) {
  return PyUnicode_FromFormat("%s\n\n%s", op_of(self).signature.text.c_str(), op_of(self).doc);
}
PyObject* op_module(PyObject*, void*) { return PyUnicode_FromString("surefoot._core"); }
// Copied and pickled by name, as functions are.
PyObject* op_reduce(PyObject* self, PyObject*) { return op_name(self, nullptr); }

PyGetSetDef op_properties[] = {{"__name__", op_name, nullptr, nullptr, nullptr},
                               {"__qualname__", op_name, nullptr, nullptr, nullptr},
                               {"__doc__", op_doc, nullptr, nullptr, nullptr},
                               {"__module__", op_module, nullptr, nullptr, nullptr},
                               {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef op_methods[] = {{"__reduce__", op_reduce, METH_NOARGS, nullptr},
                            {nullptr, nullptr, 0, nullptr}};
PyMemberDef op_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PyOp, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyTypeObject* make_type(const char* name, bool is_method) {
  std::vector<PyType_Slot> slots = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                                    {Py_tp_repr, reinterpret_cast<void*>(op_repr)},
                                    {Py_tp_getset, op_properties},
                                    {Py_tp_methods, op_methods},
                                    {Py_tp_members, op_members}};
  if (is_method) slots.push_back({Py_tp_descr_get, reinterpret_cast<void*>(op_bind)});
  slots.push_back({0, nullptr});
  unsigned flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL;
  if (is_method) flags |= Py_TPFLAGS_METHOD_DESCRIPTOR;
  PyType_Spec spec = {name, sizeof(PyOp), 0, flags, slots.data()};
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  return type;
}

py::object make_op(PyTypeObject* type, const Op& op) {
  auto* self = PyObject_New(PyOp, type);
  if (!self) throw py::error_already_set();
  self->vectorcall = op_vectorcall;
  self->op = &op;
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(self));
}

}  // namespace

PyObject* to_python(const Tensor& tensor) {
  if (!tensor.defined()) Py_RETURN_NONE;
  return wrap(tensor);
}

PyObject* to_python(const std::vector<Tensor>& tensors) {
  py::tuple out(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    out[i] = py::reinterpret_steal<py::object>(to_python(tensors[i]));
  }
  return out.release().ptr();
}

PyObject* to_python(const ValuesIndices& pair) {
  static const py::handle type =
      py::module_::import("collections")
          .attr("namedtuple")("ValuesIndices", py::make_tuple("values", "indices"),
                              py::arg("module") = "surefoot")
          .release();
  return type(pair.values, pair.indices).release().ptr();
}

void detail::rethrow_with_argument(const Op& op, size_t i) {
  const std::string where =
      str("[", op.signature.name, "] argument '", op.signature.parameters[i].name, "' ");
  try {
    throw;
  } catch (const ValueError& error) {
    throw ValueError(where, error.what());
  } catch (const Error& error) {
    throw TypeError(where, error.what());
  }
}

PyObject* call_op(const Op& op, PyObject* const* args, size_t num_positional,
                  PyObject* keyword_names) {
  try {
    PyObject* values[kMaxParameters];
    py::object gathered;
    bind_arguments(op.signature, args, num_positional, keyword_names, values, gathered);
    return op.invoke(op, values);
  } catch (...) {
    // What fails inside backward is the fault of an op of the graph.
    const std::string& name = op.signature.name;
    set_python_error(name == "backward" ? nullptr : name.c_str());
    return nullptr;
  }
}

const Op* OpTable::find(std::string_view name) const {
  for (const Op& op : ops_) {
    if (op.signature.name == name) return &op;
  }
  return nullptr;
}

void OpTable::insert(Op op, size_t num_parameters) {
  const std::string& text = op.signature.text;
  if (op.signature.parameters.size() != num_parameters) {
    throw RuntimeError("the function of ", text, " takes ", num_parameters, " parameters");
  }
  if (find(op.signature.name)) throw RuntimeError("op registered twice: ", text);
  ops_.push_back(std::move(op));
}

OpTable& op_table() {
  static OpTable* table = new OpTable;
  return *table;
}

void publish_ops(py::module_& m) {
  PyTypeObject* function_type = make_type("surefoot._core.Op", false);
  PyTypeObject* method_type = make_type("surefoot._core.OpMethod", true);
  for (const Op& op : op_table().all()) {
    const char* name = op.signature.name.c_str();
    if (op.where != Where::kMethod) m.add_object(name, make_op(function_type, op));
    if (op.where == Where::kFunction) continue;
    const py::object method = make_op(method_type, op);
    auto* type = reinterpret_cast<PyObject*>(tensor_type());
    if (PyObject_SetAttrString(type, name, method.ptr()) < 0) throw py::error_already_set();
  }
  m.def(
      "_op_signatures",
      [] {
        py::list out;
        for (const Op& op : op_table().all()) {
          constexpr const char* kWhere[] = {"both", "function", "method"};
          out.append(py::make_tuple(op.signature.text, kWhere[static_cast<int>(op.where)], op.doc));
        }
        return out;
      },
      "(signature, 'both' | 'function' | 'method', documentation) of every op.");
}

}  // namespace sf::bind
