// Tensors from arrays and lists, and back: NumPy and DLPack.
#pragma once
#include <pybind11/numpy.h>

#include <optional>

#include "bind/tensor_type.h"

namespace sf::bind {

py::object numpy_dtype(Dtype dtype);
bool is_numpy_scalar(PyObject* object);

// An ndarray as a tensor on the same memory, a copy where that cannot be; nothing for other
// objects.
std::optional<Tensor> tensor_of_array(PyObject* object);

// sf.tensor: always a copy. Lists of floats become float32, arrays keep their dtype.
Tensor new_tensor(py::handle data, std::optional<Dtype> dtype);
// sf.from_numpy: shares the memory and keeps the array alive.
Tensor from_numpy(const py::array& array);
// The memory as an ndarray that keeps the tensor's storage alive.
py::array to_numpy(const Tensor& t);

void register_numpy_interop(py::module_& m);
void register_dlpack(py::module_& m);

}  // namespace sf::bind
