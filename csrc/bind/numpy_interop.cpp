#include "bind/numpy_interop.h"

#include <type_traits>

#include "autograd/meta.h"
#include "bind/op.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

// The dtype of a native-endian array; TypeError names those that work.
Dtype dtype_of_array(const char* op, const py::dtype& dtype) {
  static const std::vector<std::pair<int, Dtype>> known = [] {  // NumPy's number of each
    std::vector<std::pair<int, Dtype>> pairs;
    for (int i = 0; i < kNumDtypes; ++i) {
      const auto type = static_cast<Dtype>(i);
      pairs.emplace_back(py::dtype(name_of(type)).num(), type);
    }
    return pairs;
  }();
  for (const auto& [number, type] : known) {
    if (dtype.num() == number) return type;
  }
  for (const auto& [number, type] : known) {  // long long is int64 under another number
    if (dtype.equal(numpy_dtype(type))) return type;
  }
  throw TypeError(
      "[", op, "] arrays of dtype ", py::cast<std::string>(dtype.attr("name")),
      " are not supported; convert it first, as ",
      "in array.astype('float32') (float32, float64, int64, int32, uint8 and bool work)");
}

bool is_native(const py::dtype& dtype) { return py::cast<bool>(dtype.attr("isnative")); }

// Memory that `owner` keeps alive.
Tensor share(const py::array& array, Dtype dtype) {
  Shape shape;
  Strides strides;
  int64_t low = 0;
  int64_t high = 0;
  const int64_t item = size_of(dtype);
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    if (array.strides(i) % item != 0) {
      throw ValueError("[from_numpy] a stride of ", array.strides(i), " bytes is no multiple of ",
                       "the item size ", item, "; copy the array first");
    }
    shape.push_back(array.shape(i));
    strides.push_back(array.strides(i) / item);
    const int64_t reach = std::max<int64_t>(array.shape(i) - 1, 0) * strides.back();
    (reach < 0 ? low : high) += reach;
  }
  // Negative strides: the storage begins at the lowest element.
  char* base = static_cast<char*>(const_cast<void*>(array.data())) + low * item;
  PyObject* owner = array.ptr();
  Py_INCREF(owner);
  const auto release = [owner] {
    const py::gil_scoped_acquire gil;
    Py_DECREF(owner);
  };
  auto storage = make_ref<Storage>(base, (high - low + 1) * item, array.writeable(), release);
  return Tensor(std::move(storage), dtype, shape, strides, -low);
}

py::array as_array(py::handle data) {
  try {
    return py::module_::import("numpy").attr("asarray")(data);
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_ValueError)) throw;
    throw ValueError("[tensor] cannot make a tensor of ", Py_TYPE(data.ptr())->tp_name,
                     ": its rows differ in length; pad them to one length first");
  }
}

}  // namespace

py::object numpy_dtype(Dtype dtype) { return py::dtype(name_of(dtype)); }

bool is_numpy_scalar(PyObject* object) {
  static const py::handle type = py::object(py::module_::import("numpy").attr("generic")).release();
  return PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(type.ptr()));
}

std::optional<Tensor> tensor_of_array(PyObject* object) {
  if (!py::isinstance<py::array>(object)) return std::nullopt;
  const auto array = py::reinterpret_borrow<py::array>(object);
  if (!is_native(array.dtype())) return new_tensor(array, std::nullopt);
  return share(array, dtype_of_array("tensor", array.dtype()));
}

namespace {

// Python's numbers do not wrap around; arrays are cast as NumPy casts them.
void check_numbers(const Tensor& numbers, Dtype dtype) {
  if (!is_integer(dtype) || promote(numbers.dtype(), dtype) == dtype) return;
  const Tensor all = contiguous_copy(numbers);
  dispatch(all.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Wide = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;
    for (int64_t i = 0; i < all.numel(); ++i) check_holds(dtype, Wide{all.as<T>()[i]});
  });
}

}  // namespace

Tensor new_tensor(py::handle data, std::optional<Dtype> dtype) {
  if (is_tensor(data.ptr())) {
    const Tensor& t = unwrap(data.ptr());
    return copy_as(t, dtype.value_or(t.dtype()));
  }
  const bool keeps_dtype = py::isinstance<py::array>(data) || is_numpy_scalar(data.ptr());
  py::array array = as_array(data);
  if (array.dtype().kind() == 'O') {
    throw TypeError("[tensor] cannot make a tensor of ", Py_TYPE(data.ptr())->tp_name,
                    ": its items are not numbers, or the rows differ in length");
  }
  if (!is_native(array.dtype())) {
    array = array.attr("astype")(array.dtype().attr("newbyteorder")("="));
  }
  const Dtype own = dtype_of_array("tensor", array.dtype());
  const bool is_python_float = !keeps_dtype && own == Dtype::kFloat64;
  const Dtype result = dtype.value_or(is_python_float ? Dtype::kFloat32 : own);
  const Tensor numbers = share(array, own);
  if (!keeps_dtype) check_numbers(numbers, result);
  return copy_as(numbers, result);
}

Tensor from_numpy(const py::array& array) {
  if (!is_native(array.dtype())) {
    throw TypeError("[from_numpy] the array is not in this machine's byte order; use tensor(), ",
                    "which copies, or array.astype(array.dtype.newbyteorder('='))");
  }
  return share(array, dtype_of_array("from_numpy", array.dtype()));
}

py::array to_numpy(const Tensor& t) {
  if (requires_grad(t)) {
    throw RuntimeError("[numpy] this tensor requires grad, which an array cannot carry; write ",
                       "x.detach().numpy()");
  }
  std::vector<py::ssize_t> shape(t.shape().begin(), t.shape().end());
  std::vector<py::ssize_t> strides;
  for (int64_t stride : t.strides()) strides.push_back(stride * size_of(t.dtype()));
  const auto owner = py::reinterpret_steal<py::object>(wrap(alias(t)));
  py::array out(numpy_dtype(t.dtype()), shape, strides, t.data(), owner);
  if (!t.storage()->writable()) out.attr("flags").attr("writeable") = false;
  return out;
}

void register_numpy_interop(py::module_& m) {
  m.def(
      "tensor",
      [](py::handle data, py::handle dtype, bool requires_grad) {
        std::optional<Dtype> wanted;
        if (!dtype.is_none()) wanted = From<Dtype>::get(dtype.ptr());
        Tensor out = new_tensor(data, wanted);
        if (requires_grad) set_requires_grad(out, true);
        return out;
      },
      py::arg("data"), py::kw_only(), py::arg("dtype") = py::none(),
      py::arg("requires_grad") = false,
      "A new tensor with a copy of `data`: a number, a (nested) list, an array or a tensor.\n\n"
      "Arrays keep their dtype, Python floats become float32, integers int64.");
  m.def("from_numpy", &from_numpy, py::arg("array"),
        "A tensor on the memory of a NumPy array: changes of one are seen in the other.");
}

}  // namespace sf::bind
