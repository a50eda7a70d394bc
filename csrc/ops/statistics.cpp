// Means, variances, norms: reductions of floating dtypes.
#include <cmath>
#include <limits>

#include "autograd/record.h"
#include "kernels/reduce.h"
#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

void check_floating(const char* op, Dtype dtype) {
  if (is_floating(dtype)) return;
  throw DtypeError("[", op, "] needs float32 or float64, got ", dtype, "; write x.float().", op,
                   "()");
}

// t / divisor where the divisor is not zero, zero elsewhere.
Tensor divide_or_zero(const Tensor& t, const Tensor& divisor) {
  const Tensor none = eq(divisor, number_like(divisor, 0));
  return where(none, number_like(t, 0), t / where(none, number_like(divisor, 1), divisor));
}

// x minus its mean: (..., n) of the same shape.
Tensor centered(const Tensor& x, const Dims& dims) { return x - mean(x, dims, true); }

// dL/dx of the variance: 2 (x - mean) g / (count - correction).
Tensor var_backward(const Tensor& g, const Tensor& x, const Dims& dims, const ReducedShape& shape,
                    double divisor) {
  return spread(g * (2 / divisor), shape.kept, x.shape()) * centered(x, dims);
}

// The variance under its final shape, without history.
Tensor var_value(const Tensor& x, const ReducedShape& shape, double correction, bool keepdim) {
  Tensor y = empty(shape.kept, x.dtype());
  run_var(x.array(), y.array(), correction);
  return reshaped(y, shape.of(keepdim));
}

double degrees_of_freedom(const ReducedShape& shape, double correction) {
  return std::max(static_cast<double>(shape.count) - correction, 0.0);
}

Tensor sum_of_squares(const Tensor& x, const ReducedShape& shape, bool keepdim) {
  Tensor y = empty(shape.kept, x.dtype());
  run_reduce(Reduce::sumsq, x.array(), y.array());
  return reshaped(y, shape.of(keepdim));
}

// sum |x|^p ^(1/p) for 0 < p < inf, p other than 1.
Tensor power_norm(const Tensor& x, double p, const Dims& dims, bool keepdim) {
  const ReducedShape shape = reduced_shape("norm", x.shape(), dims);
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    y = p == 2 ? sqrt(sum_of_squares(x, shape, keepdim))
               : pow(sum(pow(abs(x), p), dims, keepdim), 1 / p);
  }
  return record("norm", y, {&x}, {&x, &y}, [p, shape](const Backward& b) -> Grads {
    const Tensor in = b.saved(0);
    const Tensor g = spread(b.grad(), shape.kept, in.shape());
    const Tensor size = spread(b.saved(1), shape.kept, in.shape());
    if (p == 2) return {g * divide_or_zero(in, size)};
    const Tensor none = eq(in, number_like(in, 0));  // the slope there is 0 for p > 1
    const Tensor safe = where(none, number_like(in, 1), abs(in));
    const Tensor ratio = where(none, number_like(in, 0), pow(divide_or_zero(safe, size), p - 1));
    return {g * sign(in) * ratio};
  });
}

}  // namespace

Tensor mean(const Tensor& x0, const Dims& dims, bool keepdim, MaybeDtype dtype) {
  check_floating("mean", dtype.value_or(x0.dtype()));
  const Tensor x = to(x0, dtype.value_or(x0.dtype()));
  const ReducedShape shape = reduced_shape("mean", x.shape(), dims);
  const double scale = 1 / static_cast<double>(shape.count);
  Tensor kept = empty(shape.kept, x.dtype());
  run_reduce(Reduce::mean, x.array(), kept.array());
  const Tensor y = reshaped(kept, shape.of(keepdim));
  return record("mean", y, {&x}, {},
                [scale, kept_shape = shape.kept, full = x.shape()](const Backward& b) -> Grads {
                  return {spread(b.grad() * scale, kept_shape, full)};
                });
}

Tensor var(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  check_floating("var", x.dtype());
  const ReducedShape shape = reduced_shape("var", x.shape(), dims);
  const double divisor = degrees_of_freedom(shape, correction);
  return record("var", var_value(x, shape, correction, keepdim), {&x}, {&x},
                [dims, shape, divisor](const Backward& b) -> Grads {
                  return {var_backward(b.grad(), b.saved(0), dims, shape, divisor)};
                });
}

Tensor std(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  check_floating("std", x.dtype());
  const ReducedShape shape = reduced_shape("std", x.shape(), dims);
  const double divisor = degrees_of_freedom(shape, correction);
  Tensor y = var_value(x, shape, correction, keepdim);
  run_unary(Unary::sqrt, y.array(), y.array());
  return record("std", y, {&x}, {&x, &y}, [dims, shape, divisor](const Backward& b) -> Grads {
    const Tensor g = divide_or_zero(b.grad() * 0.5, b.saved(1));
    return {var_backward(g, b.saved(0), dims, shape, divisor)};
  });
}

Tensor logsumexp(const Tensor& x0, const Dims& dims, bool keepdim) {
  const Tensor x = is_floating(x0.dtype()) ? x0 : to(x0, Dtype::kFloat32);
  const ReducedShape shape = reduced_shape("logsumexp", x.shape(), dims);
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    if (shape.count == 0) {
      y = full(shape.of(keepdim), -kInf, x.dtype());
    } else {
      const Tensor top = amax(x, dims, true);
      const Tensor shift = where(isfinite(top), top, number_like(top, 0));
      y = reshape(log(sum(exp(x - shift), dims, true)) + shift, shape.of(keepdim));
    }
  }
  return record("logsumexp", y, {&x}, {&x, &y}, [shape](const Backward& b) -> Grads {
    const Tensor in = b.saved(0);
    const Tensor g = spread(b.grad(), shape.kept, in.shape());
    return {g * exp(in - spread(b.saved(1), shape.kept, in.shape()))};
  });
}

Tensor norm(const Tensor& x, double p, const Dims& dims, bool keepdim) {
  check_floating("norm", x.dtype());
  if (p == kInf) return amax(abs(x), dims, keepdim);
  if (p == -kInf) return amin(abs(x), dims, keepdim);
  if (p == 1) return sum(abs(x), dims, keepdim);
  if (p == 0) return sum(to(ne(x, number_like(x, 0)), x.dtype()), dims, keepdim);
  if (!(p > 0)) throw ValueError("[norm] p must be 0, positive, inf or -inf, got ", p);
  return power_norm(x, p, dims, keepdim);
}

}  // namespace sf
