// Batches out of data sets.
#include <pybind11/stl.h>

#include "bind/from_python.h"
#include "bind/gil.h"
#include "bind/module.h"
#include "tensor/gather.h"

namespace sf::bind {

void bind_data(py::module_& m) {
  m.def(
      "_gather_rows",
      [](const std::vector<Tensor>& tensors, const Tensor& rows) {
        return without_gil([&] { return gather_rows(tensors, rows); });
      },
      py::arg("tensors"), py::arg("rows"),
      "[t[rows] for t in tensors] in one parallel pass, without gradients; rows is (B,) int64.");
}

}  // namespace sf::bind
