// Dtype changes, copies, and the facts and values of a tensor.

#include "autograd/meta.h"
#include "bind/numpy_interop.h"
#include "bind/op.h"
#include "ops/convert.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

py::tuple sizes_tuple(const Shape& sizes) {
  py::tuple out(sizes.size());
  for (int i = 0; i < sizes.ndim(); ++i) out[static_cast<size_t>(i)] = py::int_(sizes[i]);
  return out;
}

py::object element(const Tensor& t) {
  if (is_floating(t.dtype())) return py::float_(item_as_double(t));
  if (t.dtype() == Dtype::kBool) return py::bool_(item_as_int(t) != 0);
  return py::int_(item_as_int(t));
}

// to(dtype) or to(other tensor).
Tensor to_like(const Tensor& input, const py::object& dtype) {
  if (is_tensor(dtype.ptr())) return to(input, unwrap(dtype.ptr()).dtype());
  return to(input, From<Dtype>::get(dtype.ptr()));
}

void register_conversions(OpTable& ops) {
  ops.add("to(Tensor input, dtype|Tensor dtype) -> Tensor", &to_like,
          "The tensor in another dtype (or that of another tensor); itself if it has it.",
          Where::kMethod);
  const auto add_cast = [&ops](const char* signature, auto cast) {
    ops.add(signature, cast, "The tensor in that dtype; itself if it has it.", Where::kMethod);
  };
  add_cast("float(Tensor input) -> Tensor", [](const Tensor& t) { return to(t, Dtype::kFloat32); });
  add_cast("double(Tensor input) -> Tensor",
           [](const Tensor& t) { return to(t, Dtype::kFloat64); });
  add_cast("long(Tensor input) -> Tensor", [](const Tensor& t) { return to(t, Dtype::kInt64); });
  add_cast("int(Tensor input) -> Tensor", [](const Tensor& t) { return to(t, Dtype::kInt32); });
  add_cast("bool(Tensor input) -> Tensor", [](const Tensor& t) { return to(t, Dtype::kBool); });
  ops.add("clone(Tensor input) -> Tensor", &clone, "A copy; gradients flow back to the original.");
  ops.add("contiguous(Tensor input) -> Tensor", &contiguous,
          "The tensor with its elements in row-major order; itself if they are.", Where::kMethod);
  ops.add("copy_(Tensor input, Tensor src) -> Tensor", &copy_,
          "Copies src, broadcast and cast, into this tensor.", Where::kMethod);
}

void register_values(OpTable& ops) {
  ops.add("item(Tensor input) -> Number", &element,
          "The value of a one-element tensor as a Python number.", Where::kMethod);
  ops.add(
      "tolist(Tensor input) -> list",
      [](const Tensor& input) -> py::object {
        return input.ndim() ? to_numpy(detach(input)).attr("tolist")() : element(input);
      },
      "The values as nested lists; of a 0-d tensor a number.", Where::kMethod);
  ops.add(
      "numpy(Tensor input) -> ndarray",
      [](const Tensor& input) -> py::object { return to_numpy(input); },
      "The memory as a NumPy array: changes of one are seen in the other. Refused while the "
      "tensor requires grad: use detach() first.",
      Where::kMethod);
  ops.add(
      "__array__(Tensor input, Any dtype=None, Any copy=None) -> ndarray",
      [](const Tensor& input, const py::object& dtype, const py::object& copy) -> py::object {
        py::object array = to_numpy(input);
        const py::object own = array;
        if (!dtype.is_none()) array = array.attr("astype")(dtype, py::arg("copy") = false);
        if (!copy.is_none() && !py::cast<bool>(copy) && !array.is(own)) {
          throw ValueError("[__array__] another dtype needs a copy, which copy=False forbids");
        }
        return copy.is_none() || !py::cast<bool>(copy) ? array : array.attr("copy")();
      },
      "What NumPy functions see.", Where::kMethod);
}

void register_facts(OpTable& ops) {
  ops.add(
      "numel(Tensor input) -> int", [](const Tensor& t) { return t.numel(); },
      "Number of elements.");
  ops.add(
      "dim(Tensor input) -> int", [](const Tensor& t) { return int64_t{t.ndim()}; },
      "Number of dimensions.", Where::kMethod);
  ops.add(
      "size(Tensor input, int? dim=None) -> int | tuple[int, ...]",
      [](const Tensor& t, const std::optional<int64_t>& dim) -> py::object {
        if (!dim) return sizes_tuple(t.shape());
        if (t.ndim() == 0) throw IndexError("[size] a 0-d tensor has no dimension ", *dim);
        return py::int_(t.size(normalize_dim("size", *dim, t.ndim())));
      },
      "The sizes, or one of them.", Where::kMethod);
  ops.add(
      "stride(Tensor input, int? dim=None) -> int | tuple[int, ...]",
      [](const Tensor& t, const std::optional<int64_t>& dim) -> py::object {
        if (!dim) return sizes_tuple(t.strides());
        return py::int_(t.strides()[normalize_dim("stride", *dim, t.ndim())]);
      },
      "Steps in elements between neighbours along each dimension, or one of them.", Where::kMethod);
  ops.add(
      "storage_offset(Tensor input) -> int", [](const Tensor& t) { return t.offset(); },
      "Elements between the start of the storage and this tensor.", Where::kMethod);
  ops.add(
      "is_contiguous(Tensor input) -> bool", [](const Tensor& t) { return t.is_contiguous(); },
      "Whether the elements lie in row-major order without gaps.", Where::kMethod);
  ops.add(
      "is_floating_point(Tensor input) -> bool",
      [](const Tensor& t) { return is_floating(t.dtype()); },
      "Whether the dtype is float32 or float64.");
  ops.add(
      "element_size(Tensor input) -> int", [](const Tensor& t) { return size_of(t.dtype()); },
      "Bytes of one element.", Where::kMethod);
  ops.add(
      "data_ptr(Tensor input) -> int",
      [](const Tensor& t) { return static_cast<int64_t>(reinterpret_cast<intptr_t>(t.data())); },
      "Address of the first element.", Where::kMethod);
}

}  // namespace

void register_convert(OpTable& ops) {
  register_conversions(ops);
  register_values(ops);
  register_facts(ops);
}

}  // namespace sf::bind
