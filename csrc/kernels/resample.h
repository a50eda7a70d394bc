// Separable linear maps of contiguous planes (planes, H, W): pooling by means, resizing, padding by
// what is there. The gradient of such a map is the transposed map.
#pragma once
#include <memory>
#include <vector>

#include "base/array.h"

namespace sf {

// A sparse matrix along one axis: output i is the sum of weight * input[column] over its taps, in
// the order in which they were added.
struct Taps {
  int64_t in;
  std::vector<int64_t> start{0};  // of the taps of each output, and the end of the last
  std::vector<int32_t> column;
  std::vector<double> weight;

  explicit Taps(int64_t in_size) : in(in_size) {}
  static Taps identity(int64_t size);
  int64_t out() const { return static_cast<int64_t>(start.size()) - 1; }
  void add(int64_t from, double factor = 1) {
    column.push_back(static_cast<int32_t>(from));
    weight.push_back(factor);
  }
  void next() { start.push_back(static_cast<int64_t>(column.size())); }  // ends an output
  Taps transposed() const;
};

// y = H x W^T; outputs (i, j) are divided by h_divisor[i] w_divisor[j] if there are any. With
// divide_first the inputs are: the transposed map needs that.
struct Resample {
  Taps h, w;
  std::vector<double> h_divisor, w_divisor;
  bool divide_first = false;
  int64_t in() const { return h.in * w.in; }
  int64_t out() const { return h.out() * w.out(); }
  Resample transposed() const;
};
using ResampleRef = std::shared_ptr<const Resample>;

void run_resample(const ResampleRef& plan, const Array& x, const Array& y);

}  // namespace sf
