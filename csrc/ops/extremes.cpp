// Largest and smallest elements, and where they are.
#include "autograd/record.h"
#include "kernels/reduce.h"
#include "ops/convert.h"
#include "ops/create.h"
#include "ops/operators.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

// An extreme of nothing does not exist.
void check_not_empty(const char* op, const Tensor& x, const ReducedShape& shape) {
  if (shape.count > 0 || shape.dropped.numel() == 0) return;
  throw ValueError("[", op, "] a tensor of shape ", x.shape(), " has no elements to choose from ",
                   "along the reduced dimensions; test numel() first, or reduce another dimension");
}

Tensor extreme(Reduce how, const char* op, const Tensor& x, const Dims& dims, bool keepdim) {
  const ReducedShape shape = reduced_shape(op, x.shape(), dims);
  check_not_empty(op, x, shape);
  const Shape& out = shape.of(keepdim);
  Tensor kept = empty(shape.kept, x.dtype());
  run_reduce(how, x.array(), kept.array());
  Tensor y = reshaped(kept, out);
  return record(op, y, {&x}, {&x, &y}, [kept_shape = shape.kept](const Backward& b) -> Grads {
    const Tensor in = b.saved(0);
    const Tensor chosen = eq(in, spread(b.saved(1), kept_shape, in.shape()));
    Dims reduced = Shape{};
    for (int i = 0; i < in.ndim(); ++i) {
      if (kept_shape[i] != in.size(i)) reduced->push_back(i);
    }
    const Tensor g = reshape(b.grad(), kept_shape);
    const Tensor zero = number_like(g, 0);
    if (reduced->empty()) return {b.flat(where(chosen, g, zero))};
    const Tensor ties = sum(to(chosen, in.dtype()), reduced, true);
    return {b.flat(where(chosen, g / ties, zero))};
  });
}

// Positions along dim, under shape.kept, without history.
Tensor positions(Reduce how, const char* op, const Tensor& x, int dim, const ReducedShape& shape) {
  check_not_empty(op, x, shape);
  Tensor out = empty(shape.kept, Dtype::kInt64);
  run_arg_reduce(how, x.array(), out.array(), dim);
  return out;
}

// g at the chosen positions, zero elsewhere: (..., n, ...).
Tensor place(const Tensor& g, const Tensor& indices, int dim, const Shape& kept, int64_t n) {
  Shape along = Shape::filled(kept.ndim(), 1);
  along[dim] = n;
  const Tensor chosen =
      eq(reshape(arange_int(0, n, 1, Dtype::kInt64), along), reshape(indices, kept));
  return where(chosen, reshape(g, kept), number_like(g, 0));
}

Extremes extreme_dim(Reduce value, Reduce arg, const char* op, const Tensor& x, int64_t dim,
                     bool keepdim) {
  const int d = normalize_dim(op, dim, x.ndim());
  if (x.ndim() == 0) return {clone(x), full_int({}, 0, Dtype::kInt64)};
  const ReducedShape shape = reduced_shape(op, x.shape(), Shape{dim});
  const Shape& out = shape.of(keepdim);
  const Tensor at = positions(arg, op, x, d, shape);
  const Tensor indices = reshaped(at, out);
  Tensor kept = empty(shape.kept, x.dtype());
  run_reduce(value, x.array(), kept.array());
  Tensor values = reshaped(kept, out);
  const int64_t n = x.size(d);
  values = record(op, values, {&x}, {&indices},
                  [d, n, kept_shape = shape.kept](const Backward& b) -> Grads {
                    return {b.flat(place(b.grad(), b.saved(0), d, kept_shape, n))};
                  });
  return {values, indices};
}

Tensor arg_extreme(Reduce how, const char* op, const Tensor& x, std::optional<int64_t> dim,
                   bool keepdim) {
  const Tensor flat = dim ? detach(x) : reshape(detach(x), {x.numel()});
  const int d = dim ? normalize_dim(op, *dim, x.ndim()) : 0;
  if (flat.ndim() == 0) return full_int({}, 0, Dtype::kInt64);
  const ReducedShape shape = reduced_shape(op, flat.shape(), Shape{d});
  const Tensor at = positions(how, op, flat, d, shape);
  if (!dim && keepdim) return reshape(at, Shape::filled(x.ndim(), 1));
  return reshape(at, shape.of(keepdim));
}

}  // namespace

Tensor amax(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme(Reduce::max, "amax", x, dims, keepdim);
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme(Reduce::min, "amin", x, dims, keepdim);
}

Tensor max(const Tensor& x) { return extreme(Reduce::max, "max", x, {}, false); }
Tensor min(const Tensor& x) { return extreme(Reduce::min, "min", x, {}, false); }

Extremes max(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme_dim(Reduce::max, Reduce::argmax, "max", x, dim, keepdim);
}
Extremes min(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme_dim(Reduce::min, Reduce::argmin, "min", x, dim, keepdim);
}

Tensor argmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme(Reduce::argmax, "argmax", x, dim, keepdim);
}
Tensor argmin(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme(Reduce::argmin, "argmin", x, dim, keepdim);
}

}  // namespace sf
