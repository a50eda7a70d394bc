// Batches out of data sets.
#include <pybind11/stl.h>

#include <algorithm>

#include "base/rounding.h"
#include "bind/from_python.h"
#include "bind/gil.h"
#include "bind/module.h"
#include "tensor/augment.h"
#include "tensor/gather.h"
#include "tensor/order.h"

namespace sf::bind {
namespace {

// The batches of an epoch: rows number * size to (number + 1) * size of `order`, gathered.
class Batches {
 public:
  Batches(std::vector<Tensor> tensors, const Tensor& order, int64_t size, int64_t first,
          int64_t last)
      : tensors_(std::move(tensors)), order_(order), size_(size), number_(first), last_(last) {
    const bool fits = order.ndim() == 1 && size > 0 && first >= 0;
    if (!fits || last > ceil_div(order.size(0), size)) {
      throw ValueError("[Batches] parts ", first, " to ", last, " of size ", size,
                       " are not all in an order of shape ", order.shape());
    }
  }

  py::tuple next() {
    if (number_ >= last_) throw py::stop_iteration();
    const int64_t begin = number_++ * size_;
    const int64_t rows = std::min(size_, order_.size(0) - begin);
    const Strides strides = order_.strides();
    const Tensor index =
        as_view(order_, Shape{rows}, strides, order_.offset() + begin * strides[0]);
    const std::vector<Tensor> batch = without_gil([&] { return gather_rows(tensors_, index); });
    py::tuple out(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) out[i] = py::cast(batch[i]);
    return out;
  }

 private:
  std::vector<Tensor> tensors_;
  Tensor order_;  // int64 (N,)
  int64_t size_, number_, last_;
};

}  // namespace

void bind_data(py::module_& m) {
  m.def(
      "_gather_rows",
      [](const std::vector<Tensor>& tensors, const Tensor& rows) {
        return without_gil([&] { return gather_rows(tensors, rows); });
      },
      py::arg("tensors"), py::arg("rows"),
      "[t[rows] for t in tensors] in one parallel pass, without gradients; rows is (B,) int64.");
  m.def(
      "_order_of_keys",
      [](const Tensor& keys) { return without_gil([&] { return order_of_keys(keys); }); },
      py::arg("keys"),
      "Rows by rising key, equal keys by row; keys is (N,) int64, its bits read as unsigned.");
  py::class_<Batches>(
      m, "_Batches",
      "Iterates over _gather_rows(tensors, rows) as tuples, rows being the parts of "
      "`order` of `size` each, from part `first` to before `last`.")
      .def(py::init<std::vector<Tensor>, const Tensor&, int64_t, int64_t, int64_t>(),
           py::arg("tensors"), py::arg("order"), py::arg("size"), py::arg("first"), py::arg("last"))
      .def("__iter__", [](py::object self) { return self; })
      .def("__next__", &Batches::next);
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
