#include "ops/create.h"

#include <cmath>

#include "kernels/copy.h"
#include "ops/reduce.h"
#include "tensor/create.h"

namespace sf {
namespace {

// Element i of the result is f(i), computed in double or int64 and stored in the dtype of `out`.
template <class F>
Tensor generate(int64_t n, Dtype dtype, const F& f) {
  Tensor out = empty({n}, dtype);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = out.as<T>();
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(f(i));
  });
  return out;
}

void check_step(bool towards_end, double start, double end, double step) {
  if (step == 0 || std::isnan(step)) throw ValueError("[arange] step must not be ", step);
  if (!towards_end) {
    throw ValueError("[arange] a step of ", step, " does not lead from ", start, " to ", end,
                     "; change its sign");
  }
}

}  // namespace

Tensor arange(double start, double end, double step, Dtype dtype) {
  check_step(start == end || (end > start) == (step > 0), start, end, step);
  const double count = std::ceil((end - start) / step);
  if (!(count >= 0 && count < 9.2e18)) {
    throw ValueError("[arange] from ", start, " to ", end, " by ", step, " is no finite sequence");
  }
  return generate(static_cast<int64_t>(count), dtype,
                  [=](int64_t i) { return start + static_cast<double>(i) * step; });
}

Tensor arange_int(int64_t start, int64_t end, int64_t step, Dtype dtype) {
  check_step(start == end || (end > start) == (step > 0), static_cast<double>(start),
             static_cast<double>(end), static_cast<double>(step));
  // Distances as unsigned numbers: they may exceed the range of int64.
  const uint64_t distance =
      step > 0 ? uint64_t(end) - uint64_t(start) : uint64_t(start) - uint64_t(end);
  const uint64_t stride = step > 0 ? uint64_t(step) : uint64_t{0} - uint64_t(step);
  const uint64_t count = distance / stride + (distance % stride != 0);
  if (count > uint64_t{1} << 62) throw ValueError("[arange] too many elements");
  return generate(static_cast<int64_t>(count), dtype, [=](int64_t i) {
    return static_cast<int64_t>(uint64_t(start) + uint64_t(i) * uint64_t(step));
  });
}

Tensor linspace(double start, double end, int64_t steps, Dtype dtype) {
  if (steps < 0) throw ValueError("[linspace] steps must not be negative, got ", steps);
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  // From both ends, so that the last element is exactly `end`.
  return generate(steps, dtype, [=](int64_t i) {
    return i < (steps + 1) / 2 ? start + step * static_cast<double>(i)
                               : end - step * static_cast<double>(steps - 1 - i);
  });
}

Tensor eye(int64_t rows, int64_t columns, Dtype dtype) {
  if (rows < 0 || columns < 0) {
    throw ValueError("[eye] sizes must not be negative, got ", rows, " and ", columns);
  }
  Tensor out = zeros({rows, columns}, dtype);
  const int64_t n = rows < columns ? rows : columns;
  run_fill({out.data(), {n}, {columns + 1}, dtype}, 1);
  return out;
}

Tensor one_hot(const Tensor& labels, int64_t num_classes) {
  if (!is_integer(labels.dtype())) {
    throw DtypeError("[one_hot] labels must be integers, got ", labels.dtype(),
                     "; convert with to(int64)");
  }
  const Tensor index = contiguous_as(labels, Dtype::kInt64);
  const int64_t* label = index.as<int64_t>();
  const int64_t n = index.numel();
  if (num_classes < -1 || (num_classes == -1 && n == 0)) {
    throw ValueError("[one_hot] num_classes must be given as a positive number here, got ",
                     num_classes);
  }
  if (num_classes == -1) num_classes = 1 + item_as_int(amax(index));
  Shape shape = labels.shape();
  shape.push_back(num_classes);
  Tensor out = zeros(shape, Dtype::kInt64);
  for (int64_t i = 0; i < n; ++i) {
    if (label[i] < 0 || label[i] >= num_classes) {
      throw IndexError("[one_hot] label ", label[i], " of element ", i, " is not in [0, ",
                       num_classes, "); pass a larger num_classes");
    }
    out.as<int64_t>()[i * num_classes + label[i]] = 1;
  }
  return out;
}

}  // namespace sf
