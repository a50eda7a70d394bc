#include "bind/indexing.h"

#include "bind/from_python.h"
#include "bind/numpy_interop.h"
#include "ops/index.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

bool is_integer_like(PyObject* item) {
  return PyIndex_Check(item) && !PyBool_Check(item) && !is_tensor(item) &&
         !py::isinstance<py::array>(item);
}

// An index tensor out of a tensor, an array, a list or a bool.
Tensor index_tensor(PyObject* item) {
  if (!is_tensor(item) && (PyUnicode_Check(item) || PyDict_Check(item) || PyFloat_Check(item))) {
    throw IndexError("[index] only integers, slices, None, ... and integer or bool tensors can be ",
                     "indices, got ", Py_TYPE(item)->tp_name);
  }
  Tensor t = is_tensor(item) ? unwrap(item) : new_tensor(item, std::nullopt);
  // An empty list is a list of no integers.
  if (t.numel() == 0 && is_floating(t.dtype())) t = copy_as(t, Dtype::kInt64);
  if (is_floating(t.dtype())) {
    throw IndexError("[index] only integers, slices, None, ... and integer or bool tensors can be ",
                     "indices, got ", t.dtype());
  }
  return t;
}

IndexItem slice_item(PyObject* item, int64_t size) {
  Py_ssize_t start = 0;
  Py_ssize_t stop = 0;
  Py_ssize_t step = 0;
  if (PySlice_Unpack(item, &start, &stop, &step) < 0) throw py::error_already_set();
  const Py_ssize_t length = PySlice_AdjustIndices(size, &start, &stop, step);
  return {.start = start, .step = step, .length = length};
}

int dims_used(PyObject* item) {
  if (item == Py_None || item == Py_Ellipsis) return 0;
  if (PySlice_Check(item) || is_integer_like(item)) return 1;
  const Tensor t = index_tensor(item);
  return t.dtype() == Dtype::kBool ? t.ndim() : 1;
}

// True, False and 0-d bool tensors alone: everything or nothing, behind a new dimension.
std::optional<bool> single_bool(PyObject* expression) {
  if (PyBool_Check(expression)) return expression == Py_True;
  if (!is_tensor(expression) && !py::isinstance<py::array>(expression)) return std::nullopt;
  const Tensor t = index_tensor(expression);
  if (t.dtype() != Dtype::kBool || t.ndim() > 0) return std::nullopt;
  return item_as_int(t) != 0;
}

std::vector<py::object> items_of(PyObject* index) {
  std::vector<py::object> items;
  if (!PyTuple_Check(index)) return {py::reinterpret_borrow<py::object>(index)};
  for (py::handle item : py::reinterpret_borrow<py::tuple>(index)) {
    items.push_back(py::reinterpret_borrow<py::object>(item));
  }
  return items;
}

// NumPy counts an integer beside an index tensor as an index tensor.
void integers_to_tensors(Index& index) {
  for (IndexItem& item : index) {
    if (item.kind != IndexItem::kInteger) continue;
    item = {.kind = IndexItem::kTensor, .tensor = full_int({}, item.start, Dtype::kInt64)};
  }
}

Index parse_index(const Tensor& t, PyObject* expression) {
  const std::vector<py::object> items = items_of(expression);
  int used = 0;
  int ellipses = 0;
  for (const py::object& item : items) {
    used += dims_used(item.ptr());
    ellipses += item.ptr() == Py_Ellipsis;
  }
  if (used > t.ndim()) {
    throw IndexError("[index] ", used, " indices for a tensor of shape ", t.shape());
  }
  if (ellipses > 1) throw IndexError("[index] an index can have one ellipsis (...) only");
  Index out;
  bool has_tensor = false;
  int dim = 0;
  for (const py::object& object : items) {
    PyObject* item = object.ptr();
    if (item == Py_None) {
      out.push_back({.kind = IndexItem::kNewDim});
    } else if (item == Py_Ellipsis) {
      for (int rest = t.ndim() - used; rest > 0; --rest) out.push_back({.length = t.size(dim++)});
    } else if (PySlice_Check(item)) {
      out.push_back(slice_item(item, t.size(dim++)));
    } else if (is_integer_like(item)) {
      out.push_back({.kind = IndexItem::kInteger, .start = From<int64_t>::get(item)});
      ++dim;
    } else {
      out.push_back({.kind = IndexItem::kTensor, .tensor = index_tensor(item)});
      if (out.back().tensor.dtype() == Dtype::kBool && out.back().tensor.ndim() == 0) {
        throw IndexError("[index] a single bool can only stand alone as an index");
      }
      has_tensor = true;
      dim += dims_used(item);
    }
  }
  if (has_tensor) integers_to_tensors(out);
  return out;
}

// The numbers of a list for a tensor of that dtype, which checks their range.
Tensor listed_for(Dtype dtype, PyObject* list) {
  const Tensor numbers = new_tensor(list, std::nullopt);
  const bool is_narrower = is_integer(numbers.dtype()) && is_integer(dtype);
  return is_narrower ? new_tensor(list, dtype) : numbers;
}

}  // namespace

Tensor get_index(const Tensor& t, PyObject* expression) {
  if (const std::optional<bool> chosen = single_bool(expression)) {
    return narrow(unsqueeze(t, 0), 0, 0, *chosen ? 1 : 0);
  }
  return index(t, parse_index(t, expression));
}

void set_index(const Tensor& t, PyObject* expression, PyObject* value) {
  const Tensor stored = PyList_Check(value) || PyTuple_Check(value)
                            ? listed_for(t.dtype(), value)
                            : From<Operand>::get(value).stored(t.dtype());
  if (const std::optional<bool> chosen = single_bool(expression)) {
    if (*chosen) index_put(t, {{.kind = IndexItem::kNewDim}}, stored);
    return;
  }
  index_put(t, parse_index(t, expression), stored);
}

}  // namespace sf::bind
