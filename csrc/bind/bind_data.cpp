// Batches out of data sets.
#include <pybind11/stl.h>

#include "bind/from_python.h"
#include "bind/gil.h"
#include "bind/module.h"
#include "tensor/augment.h"
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
  using Step = std::tuple<std::string, uint32_t, std::vector<double>>;
  m.def(
      "_augment",
      [](const Tensor& x, uint64_t seed, uint64_t epoch, const Tensor& indices,
         const std::vector<Step>& steps) {
        std::vector<AugmentRequest> requests;
        for (const auto& [name, place, options] : steps) {
          requests.push_back({name, place, options});
        }
        return without_gil([&] { return augment(x, {seed, epoch}, indices, requests); });
      },
      py::arg("x"), py::arg("seed"), py::arg("epoch"), py::arg("indices"), py::arg("steps"),
      "A batch after random transforms (name, place, options); see csrc/kernels/augment.h.");
  m.def(
      "_mix_samples",
      [](const Tensor& x, const Tensor& targets, uint64_t seed, uint64_t epoch,
         const Tensor& indices, const std::tuple<std::string, uint32_t, double, int64_t>& how) {
        const auto& [name, place, alpha, classes] = how;
        const MixRequest request{name, place, alpha, classes};
        return without_gil(
            [&] { return mix_samples(x, targets, {seed, epoch}, indices, request); });
      },
      py::arg("x"), py::arg("targets"), py::arg("seed"), py::arg("epoch"), py::arg("indices"),
      py::arg("how"),
      "mixup or cutmix of a batch and its targets; how is (name, place, alpha, num_classes).");
}

}  // namespace sf::bind
