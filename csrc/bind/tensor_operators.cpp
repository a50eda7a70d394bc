// What Python's operators and built-in functions do with a tensor: each operator calls the op of
// its name.
#include <pybind11/pybind11.h>

#include "bind/guarded.h"
#include "bind/indexing.h"
#include "bind/op.h"
#include "bind/tensor_operators.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

const Op* operator_ops[96];

template <int slot>
PyObject* binary_operator(PyObject* a, PyObject* b) {
  PyObject* args[] = {a, b};
  PyObject* out = call_op(*operator_ops[slot], args, 2, nullptr);
  if (!out && PyErr_ExceptionMatches(PyExc_TypeError)) {
    // The other side may know how; for operands that nobody knows Python raises its own TypeError.
    const bool known = (is_tensor(a) || PyNumber_Check(a)) && (is_tensor(b) || PyNumber_Check(b));
    if (!known) {
      PyErr_Clear();
      Py_RETURN_NOTIMPLEMENTED;
    }
  }
  return out;
}
template <int slot>
PyObject* unary_operator(PyObject* a) {
  return call_op(*operator_ops[slot], &a, 1, nullptr);
}
PyObject* power_operator(PyObject* a, PyObject* b, PyObject* modulo) {
  if (modulo != Py_None) Py_RETURN_NOTIMPLEMENTED;
  return binary_operator<Py_nb_power>(a, b);
}
PyObject* inplace_power_operator(PyObject* a, PyObject* b, PyObject*) {
  return binary_operator<Py_nb_inplace_power>(a, b);
}

struct OperatorRow {
  int slot;
  void* function;
  const char* op;
};
#define SF_BINARY(slot, op) {slot, reinterpret_cast<void*>(&binary_operator<slot>), op}
#define SF_UNARY(slot, op) {slot, reinterpret_cast<void*>(&unary_operator<slot>), op}
const OperatorRow kOperators[] = {
    SF_BINARY(Py_nb_add, "add"),
    SF_BINARY(Py_nb_subtract, "sub"),
    SF_BINARY(Py_nb_multiply, "mul"),
    SF_BINARY(Py_nb_true_divide, "div"),
    SF_BINARY(Py_nb_floor_divide, "floor_divide"),
    SF_BINARY(Py_nb_remainder, "remainder"),
    SF_BINARY(Py_nb_matrix_multiply, "matmul"),
    SF_BINARY(Py_nb_and, "bitwise_and"),
    SF_BINARY(Py_nb_or, "bitwise_or"),
    SF_BINARY(Py_nb_xor, "bitwise_xor"),
    SF_BINARY(Py_nb_inplace_add, "add_"),
    SF_BINARY(Py_nb_inplace_subtract, "sub_"),
    SF_BINARY(Py_nb_inplace_multiply, "mul_"),
    SF_BINARY(Py_nb_inplace_true_divide, "div_"),
    SF_UNARY(Py_nb_negative, "neg"),
    SF_UNARY(Py_nb_absolute, "abs"),
    SF_UNARY(Py_nb_invert, "bitwise_not"),
    {Py_nb_power, reinterpret_cast<void*>(&power_operator), "pow"},
    {Py_nb_inplace_power, reinterpret_cast<void*>(&inplace_power_operator), "pow_"},
};
#undef SF_BINARY
#undef SF_UNARY

const Op* compare_ops[6];

PyObject* tensor_compare(PyObject* a, PyObject* b, int how) {
  if (!is_tensor(b) && !PyNumber_Check(b)) Py_RETURN_NOTIMPLEMENTED;
  PyObject* args[] = {a, b};
  return call_op(*compare_ops[how], args, 2, nullptr);
}

// Tensors are compared elementwise, but are keys by identity.
Py_hash_t tensor_hash(PyObject* self) {
  return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(self) >> 4);
}

// ---- numbers and containers ----

PyObject* to_float(PyObject* self) {
  return guarded([&] { return PyFloat_FromDouble(item_as_double(unwrap(self))); });
}

PyObject* to_int(PyObject* self) {
  const Tensor& t = unwrap(self);
  if (t.numel() == 1 && is_floating(t.dtype())) {
    return guarded([&] { return PyLong_FromDouble(item_as_double(t)); });
  }
  return guarded([&] { return PyLong_FromLongLong(item_as_int(t)); });
}

PyObject* to_index(PyObject* self) {
  if (is_floating(unwrap(self).dtype())) {
    PyErr_SetString(PyExc_TypeError, "only integer tensors of one element can be used as an index");
    return nullptr;
  }
  return to_int(self);
}

int to_bool(PyObject* self) {
  const Tensor& t = unwrap(self);
  return guarded(
      [&]() -> int {
        if (t.numel() != 1) {
          throw RuntimeError("[bool] the truth value of a tensor of shape ", t.shape(),
                             " is ambiguous; use any() or all()");
        }
        return item_as_double(t) != 0;
      },
      -1);
}

Py_ssize_t tensor_length(PyObject* self) {
  const Tensor& t = unwrap(self);
  if (t.ndim() == 0) {
    PyErr_SetString(PyExc_TypeError, "a 0-d tensor has no len()");
    return -1;
  }
  return t.size(0);
}

PyObject* get_item(PyObject* self, PyObject* index) {
  return guarded([&] { return to_python(get_index(unwrap(self), index)); });
}

int set_item(PyObject* self, PyObject* index, PyObject* value) {
  return guarded(
      [&] {
        if (!value) throw TypeError("[setitem] elements of a tensor cannot be deleted");
        set_index(unwrap(self), index, value);
        return 0;
      },
      -1);
}

// x[0], x[1], ... for iteration; the IndexError past the end is what stops it.
PyObject* sequence_item(PyObject* self, Py_ssize_t i) {
  const auto index = py::int_(i);
  return get_item(self, index.ptr());
}

const std::pair<int, const char*> kCompareOps[] = {{Py_LT, "lt"}, {Py_LE, "le"}, {Py_EQ, "eq"},
                                                   {Py_NE, "ne"}, {Py_GT, "gt"}, {Py_GE, "ge"}};

}  // namespace

std::vector<PyType_Slot> operator_slots() {
  std::vector<PyType_Slot> slots;
  for (const OperatorRow& row : kOperators) slots.push_back({row.slot, row.function});
  const auto add = [&](int slot, auto* function) {
    slots.push_back({slot, reinterpret_cast<void*>(function)});
  };
  add(Py_tp_richcompare, &tensor_compare);
  add(Py_tp_hash, &tensor_hash);
  add(Py_nb_float, &to_float);
  add(Py_nb_int, &to_int);
  add(Py_nb_index, &to_index);
  add(Py_nb_bool, &to_bool);
  add(Py_mp_length, &tensor_length);
  add(Py_mp_subscript, &get_item);
  add(Py_mp_ass_subscript, &set_item);
  add(Py_sq_item, &sequence_item);
  return slots;
}

void connect_operators() {
  const auto find = [](const char* name) {
    const Op* op = op_table().find(name);
    if (!op) throw RuntimeError("an operator needs the op ", name);
    return op;
  };
  for (const OperatorRow& row : kOperators) operator_ops[row.slot] = find(row.op);
  for (const auto& [how, name] : kCompareOps) compare_ops[how] = find(name);
}

}  // namespace sf::bind
