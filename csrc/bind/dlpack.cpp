// The DLPack protocol, version 0.x: tensors exchanged with other libraries without copying.
// Layout of the structures: dmlc.github.io/dlpack, "C API".
#include <pybind11/pybind11.h>

#include "autograd/meta.h"
#include "bind/numpy_interop.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

struct DLDevice {
  int32_t device_type;
  int32_t device_id;
};
struct DLDataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor* self);
};

constexpr int32_t kCpu = 1;
constexpr const char* kUnused = "dltensor";
constexpr const char* kUsed = "used_dltensor";

constexpr DLDataType kTypes[kNumDtypes] = {{6, 8, 1},  {1, 8, 1},  {0, 32, 1},
                                           {0, 64, 1}, {2, 32, 1}, {2, 64, 1}};

// A tensor with its exported description.
struct Export {
  explicit Export(const Tensor& t) : tensor(t), shape(t.shape()), strides(t.strides()) {
    managed.dl_tensor = {
        t.data(),      {kCpu, 0},       t.ndim(), kTypes[static_cast<int>(t.dtype())],
        shape.begin(), strides.begin(), 0};
    managed.manager_ctx = this;
    managed.deleter = [](DLManagedTensor* self) { delete static_cast<Export*>(self->manager_ctx); };
  }
  Tensor tensor;
  Shape shape;
  Strides strides;
  DLManagedTensor managed{};
};

py::capsule to_dlpack(const Tensor& t) {
  if (requires_grad(t)) {
    throw RuntimeError("[__dlpack__] this tensor requires grad, which DLPack cannot carry; use ",
                       "detach() first");
  }
  auto* exported = new Export(alias(t));
  return py::capsule(&exported->managed, kUnused, [](PyObject* capsule) {
    if (!PyCapsule_IsValid(capsule, kUnused)) return;  // somebody took it over
    auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, kUnused));
    managed->deleter(managed);
  });
}

Dtype dtype_of(const DLDataType& type) {
  for (int i = 0; i < kNumDtypes; ++i) {
    if (type.code == kTypes[i].code && type.bits == kTypes[i].bits && type.lanes == 1) {
      return static_cast<Dtype>(i);
    }
  }
  throw TypeError("[from_dlpack] elements of DLPack type code ", int{type.code}, " with ",
                  int{type.bits}, " bits are not supported");
}

Tensor from_dlpack(const py::object& source) {
  const bool is_capsule = py::isinstance<py::capsule>(source);
  if (!is_capsule && !py::hasattr(source, "__dlpack__")) {
    throw TypeError("[from_dlpack] needs an object with __dlpack__, got ",
                    Py_TYPE(source.ptr())->tp_name);
  }
  const py::object object = is_capsule ? source : source.attr("__dlpack__")();
  PyObject* capsule = object.ptr();
  if (!PyCapsule_IsValid(capsule, kUnused)) {
    throw ValueError("[from_dlpack] needs an unused DLPack capsule or an object with __dlpack__");
  }
  auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, kUnused));
  const DLTensor& dl = managed->dl_tensor;
  if (dl.device.device_type != kCpu) {
    throw ValueError("[from_dlpack] the data is not in the CPU's memory");
  }
  const Dtype dtype = dtype_of(dl.dtype);
  const Shape shape(std::span<const int64_t>(dl.shape, static_cast<size_t>(dl.ndim)));
  const Strides strides =
      dl.strides ? Strides(std::span<const int64_t>(dl.strides, static_cast<size_t>(dl.ndim)))
                 : contiguous_strides(shape);
  void* data = static_cast<char*>(dl.data) + dl.byte_offset;
  PyCapsule_SetName(capsule, kUsed);
  const auto release = [managed] {
    const py::gil_scoped_acquire gil;
    if (managed->deleter) managed->deleter(managed);
  };
  auto storage = make_ref<Storage>(data, shape.numel() * size_of(dtype), true, release);
  return Tensor(std::move(storage), dtype, shape, strides, 0);
}

}  // namespace

void register_dlpack(py::module_& m) {
  m.def("from_dlpack", &from_dlpack, py::arg("ext_tensor"),
        "A tensor on the memory of any object with __dlpack__.");
  const auto type = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(tensor_type()));
  type.attr("__dlpack__") =
      py::cpp_function([](const Tensor& self, const py::kwargs&) { return to_dlpack(self); },
                       py::name("__dlpack__"), py::is_method(type));
  type.attr("__dlpack_device__") =
      py::cpp_function([](const Tensor&) { return py::make_tuple(kCpu, 0); },
                       py::name("__dlpack_device__"), py::is_method(type));
}

}  // namespace sf::bind
