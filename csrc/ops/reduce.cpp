#include "ops/reduce.h"

#include "autograd/record.h"
#include "kernels/copy.h"
#include "kernels/reduce.h"
#include "ops/binary.h"
#include "ops/compare.h"
#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {

ReducedShape reduced_shape(const char* op, const Shape& shape, const Dims& dims) {
  bool reduced[kMaxDims] = {};
  const bool all_dims = !dims || dims->empty();
  for (int i = 0; all_dims && i < shape.ndim(); ++i) reduced[i] = true;
  for (int64_t given : all_dims ? Shape{} : *dims) {
    const int dim = normalize_dim(op, given, shape.ndim());
    if (shape.ndim() == 0) break;
    if (reduced[dim]) throw ValueError("[", op, "] dim ", given, " is given twice in ", *dims);
    reduced[dim] = true;
  }
  ReducedShape out{{}, {}, 1};
  for (int i = 0; i < shape.ndim(); ++i) {
    out.kept.push_back(reduced[i] ? 1 : shape[i]);
    if (reduced[i]) {
      out.count *= shape[i];
    } else {
      out.dropped.push_back(shape[i]);
    }
  }
  return out;
}

Tensor reshaped(const Tensor& y, const Shape& shape) {
  return as_view(y, shape, contiguous_strides(shape), y.offset());
}

Tensor spread(const Tensor& x, const Shape& kept, const Shape& shape) {
  return expand(reshape(x, kept), shape);
}

namespace {

Dtype sum_dtype(const Tensor& x, MaybeDtype asked) {
  return asked ? *asked : is_floating(x.dtype()) ? x.dtype() : Dtype::kInt64;
}

// The reduced tensor under its kept shape.
Tensor reduce(Reduce op, const Tensor& x, const Shape& kept) {
  Tensor y = empty(kept, x.dtype());
  run_reduce(op, x.array(), y.array());
  return y;
}

// Products of all other elements along the last dimension: right also where there are zeros, and
// differentiable any number of times. (..., n) -> (..., n), with n^2 work.
Tensor product_of_others(const Tensor& x) {
  const int64_t n = x.size(x.ndim() - 1);
  Tensor diagonal = zeros({n, n}, Dtype::kBool);
  run_fill_int({diagonal.data(), {n}, {n + 1}, Dtype::kBool}, 1);
  return prod(where(diagonal, number_like(x, 1), unsqueeze(x, -2)), -1);
}

Tensor prod_dim(const Tensor& x, int dim, bool keepdim) {
  const ReducedShape shape = reduced_shape("prod", x.shape(), Shape{dim});
  Tensor y = reshaped(reduce(Reduce::prod, x, shape.kept), shape.of(keepdim));
  return record("prod", y, {&x}, {&x, &y}, [dim, kept = shape.kept](const Backward& b) -> Grads {
    const Tensor in = b.saved(0), g = spread(b.grad(), kept, in.shape());
    const Tensor zero = eq(in, number_like(in, 0));
    if (in.numel() == 0 || item_as_int(any(zero)) == 0) {
      return {g * (spread(b.saved(1), kept, in.shape()) / in)};
    }
    return {g * movedim(product_of_others(movedim(in, dim, -1)), -1, dim)};
  });
}

Tensor running_sum(const Tensor& x, int dim, bool reverse) {
  Tensor y = empty(x.shape(), x.dtype());
  run_cumsum(x.array(), y.array(), dim, reverse);
  return record("cumsum", y, {&x}, {}, [dim, reverse](const Backward& b) -> Grads {
    return {running_sum(b.grad(), dim, !reverse)};
  });
}

}  // namespace

Tensor sum(const Tensor& x0, const Dims& dims, bool keepdim, MaybeDtype dtype) {
  const Tensor x = to(x0, sum_dtype(x0, dtype));
  const ReducedShape shape = reduced_shape("sum", x.shape(), dims);
  Tensor y = reshaped(reduce(Reduce::sum, x, shape.kept), shape.of(keepdim));
  return record("sum", y, {&x}, {}, [kept = shape.kept, full = x.shape()](const Backward& b) {
    return Grads{spread(b.grad(), kept, full)};
  });
}

Tensor sum_to(const Tensor& g, const Shape& shape) {
  if (g.shape() == shape) return g;
  const int lead = g.ndim() - shape.ndim();
  Shape dims;
  for (int i = 0; i < g.ndim(); ++i) {
    if (i < lead || (shape[i - lead] == 1 && g.size(i) != 1)) dims.push_back(i);
  }
  if (dims.empty()) return reshape(g, shape);
  return reshape(sum(g, dims, true), shape);
}

Tensor prod(const Tensor& x0, std::optional<int64_t> dim, bool keepdim, MaybeDtype dtype) {
  const Tensor x = to(x0, sum_dtype(x0, dtype));
  if (dim) {
    const int d = normalize_dim("prod", *dim, x.ndim());
    return x.ndim() == 0 ? clone(x) : prod_dim(x, d, keepdim);
  }
  const Tensor y = prod_dim(reshape(x, {x.numel()}), 0, false);
  return keepdim ? reshape(y, Shape::filled(x.ndim(), 1)) : y;
}

Tensor cumsum(const Tensor& x0, int64_t dim, MaybeDtype dtype) {
  const Tensor x = to(x0, sum_dtype(x0, dtype));
  const int d = normalize_dim("cumsum", dim, x.ndim());
  return x.ndim() == 0 ? clone(x) : running_sum(x, d, false);
}

namespace {

Tensor truth(const char* op, Reduce how, const Tensor& x, const Dims& dims, bool keepdim) {
  const ReducedShape shape = reduced_shape(op, x.shape(), dims);
  const Tensor mask = detach(to(x, Dtype::kBool));
  return reshaped(reduce(how, mask, shape.kept), shape.of(keepdim));
}

}  // namespace

Tensor any(const Tensor& x, const Dims& dims, bool keepdim) {
  return truth("any", Reduce::any, x, dims, keepdim);
}
Tensor all(const Tensor& x, const Dims& dims, bool keepdim) {
  return truth("all", Reduce::all, x, dims, keepdim);
}

}  // namespace sf
