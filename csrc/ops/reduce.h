// Reductions over some or all dimensions, and running sums.
#pragma once
#include <optional>

#include "base/shape.h"
#include "tensor/tensor.h"

namespace sf {

// The dimensions to reduce; none, or an empty list, stands for all.
using Dims = std::optional<Shape>;
using MaybeDtype = std::optional<Dtype>;

// What a reduction of x over dims makes of its shape.
struct ReducedShape {
  Shape kept;     // reduced sizes are 1
  Shape dropped;  // reduced sizes are gone
  int64_t count;  // elements that meet in one result
  const Shape& of(bool keepdim) const { return keepdim ? kept : dropped; }
};
ReducedShape reduced_shape(const char* op, const Shape& shape, const Dims& dims);
// x under `kept`, repeated to `shape`: the way back of a sum.
Tensor spread(const Tensor& x, const Shape& kept, const Shape& shape);
// The memory of y, which is contiguous, under another shape, without history.
Tensor reshaped(const Tensor& y, const Shape& shape);

// Integers and bool are summed, and multiplied, as int64.
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false, MaybeDtype dtype = {});
Tensor prod(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false,
            MaybeDtype dtype = {});
// g summed over what broadcasting to its shape repeated: back to `shape`.
Tensor sum_to(const Tensor& g, const Shape& shape);
Tensor cumsum(const Tensor& x, int64_t dim, MaybeDtype dtype = {});

// Floating dtypes only (statistics.cpp).
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false, MaybeDtype dtype = {});
// Divided by count - correction.
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor std(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);
// (sum |x|^p)^(1/p); p may be 0 (number of non-zeros) and +-inf (largest, smallest |x|).
Tensor norm(const Tensor& x, double p = 2, const Dims& dims = {}, bool keepdim = false);

// The gradient is shared evenly among equal extremes (extremes.cpp).
Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
struct Extremes {
  Tensor values, indices;
};
// Along one dimension; the gradient goes to the first of equal extremes, whose index is given.
Extremes max(const Tensor& x, int64_t dim, bool keepdim = false);
Extremes min(const Tensor& x, int64_t dim, bool keepdim = false);
// Of the flattened tensor if no dim is given.
Tensor argmax(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);

// Whether any, or every, element is not zero.
Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, const Dims& dims = {}, bool keepdim = false);

}  // namespace sf
