// Scattering that reduces what meets in one place.
#include <algorithm>
#include <limits>

#include "autograd/record.h"
#include "ops/convert.h"
#include "ops/inplace.h"
#include "ops/operators.h"
#include "ops/reduce.h"
#include "ops/scatter.h"
#include "ops/scatter_support.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

// Where the sources go, and whether what is there takes part.
struct Places {
  int64_t dim;
  Tensor index;
  bool include_self;
};

// x, with `value` where something is put unless the elements there take part.
Tensor cleared(const Tensor& x, const Places& at, const Tensor& value) {
  return at.include_self ? x : scatter(x, at.dim, at.index, value);
}

Tensor as_dtype_of(const Tensor& mask, const Tensor& x) { return to(mask, x.dtype()); }

// Sums over counts, of integers rounded down.
Tensor scatter_mean(const Tensor& x, const Places& at, const Tensor& source) {
  const Tensor total = scatter_add(cleared(x, at, number_like(x, 0)), at.dim, at.index, source);
  const Tensor own = cleared(full(x.shape(), 1, x.dtype()), at, number_like(x, 0));
  const Tensor count = scatter_add(own, at.dim, at.index, full(source.shape(), 1, x.dtype()));
  const Tensor divisor = maximum(count, number_like(x, 1));
  return is_floating(x.dtype()) ? total / divisor : floor_divide(total, divisor);
}

// What does not change the result of putting anything.
Tensor neutral(Put how, Dtype dtype) {
  if (how == Put::kMul) return full_int({}, 1, dtype);
  return dispatch(dtype, [&](auto zero) {
    using Limits = std::numeric_limits<decltype(zero)>;
    if (is_floating(dtype)) {
      const double inf = std::numeric_limits<double>::infinity();
      return full({}, how == Put::kMax ? -inf : inf, dtype);
    }
    const auto bound = how == Put::kMax ? Limits::lowest() : Limits::max();
    return full_int({}, static_cast<int64_t>(bound), dtype);
  });
}

// Equal extremes share the gradient: those of the source, and of x where it takes part.
Grads extreme_backward(const Backward& b, const Places& at) {
  const Tensor x = b.saved(0), source = b.saved(1), y = b.saved(2), g = b.grad();
  const Tensor zero = number_like(g, 0);
  const Tensor of_x =
      cleared(as_dtype_of(eq(x, y), g), {at.dim, b.saved(3), at.include_self}, zero);
  const Tensor chosen = eq(source, gather(y, at.dim, b.saved(3)));
  const Tensor ties = scatter_add(of_x, at.dim, b.saved(3), as_dtype_of(chosen, g));
  const Tensor share = g / maximum(ties, number_like(g, 1));
  return {b.flat(where(of_x > 0, share, zero)),
          b.flat(where(chosen, gather(share, at.dim, b.saved(3)), zero))};
}

// dy/dx_i is the product of the others: y / x_i, or where x_i is the one zero, y without it.
Grads product_backward(const Backward& b, const Places& made) {
  const Tensor x = b.saved(0), source = b.saved(1), y = b.saved(2), g = b.grad();
  const Places at{made.dim, b.saved(3), made.include_self};
  const Tensor one = number_like(x, 1), zero = number_like(x, 0);
  const ScatterReduce product{"prod", at.include_self};
  const Tensor full_x = where(eq(x, zero), one, x);
  const Tensor of_x = scatter_reduce(full_x, at.dim, at.index, source, product) / full_x;
  const Tensor is_zero = eq(source, zero);
  const Tensor zeros_there =
      scatter_add(zeros(x.shape(), x.dtype()), at.dim, at.index, as_dtype_of(is_zero, x));
  const Tensor alone = is_zero & eq(gather(zeros_there, at.dim, at.index), one);
  const Tensor without = scatter_reduce(x, at.dim, at.index, where(alone, one, source), product);
  const Tensor of_source = where(alone, gather(g * without, at.dim, at.index),
                                 gather(g * y, at.dim, at.index) / where(is_zero, one, source));
  return {cleared(g * of_x, at, zero), of_source};
}

// Products and extremes, whose values a kernel puts in place.
Tensor scatter_put(const Tensor& x, const Places& at, const Tensor& source, Put how) {
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    y = clone(cleared(x, at, neutral(how, x.dtype())));
    index_put(y, index_along("scatter_reduce", y, at.dim, at.index), source, how, "scatter_reduce");
  }
  const auto formula = [dim = at.dim, include = at.include_self, how](const Backward& b) {
    const Places places{dim, {}, include};
    return how == Put::kMul ? product_backward(b, places) : extreme_backward(b, places);
  };
  return record("scatter_reduce", y, {&x, &source}, {&x, &source, &y, &at.index}, formula);
}

}  // namespace

Tensor scatter_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                      const ScatterReduce& options) {
  constexpr const char* kOp = "scatter_reduce";
  const std::string& how = options.how;
  if (how != "sum" && how != "prod" && how != "mean" && how != "amax" && how != "amin") {
    throw ValueError("[", kOp, "] reduce must be 'sum', 'prod', 'mean', 'amax' or 'amin', got '",
                     how, "'");
  }
  const Tensor base = at_least_1d(x);
  const Places at{dim, at_least_1d(index), options.include_self};
  index_along(kOp, base, dim, at.index);  // checks
  if (source.dtype() != x.dtype()) {
    throw DtypeError("[", kOp, "] the source is ", source.dtype(), ", the input ", x.dtype(),
                     ": both must have the same dtype");
  }
  const Tensor values = first_part(kOp, source, at.index);
  Tensor out;
  if (how == "sum") {
    out = scatter_add(cleared(base, at, number_like(base, 0)), dim, at.index, values);
  } else if (how == "mean") {
    out = scatter_mean(base, at, values);
  } else {
    const Put put = how == "prod" ? Put::kMul : how == "amax" ? Put::kMax : Put::kMin;
    out = scatter_put(base, at, values, put);
  }
  return x.ndim() ? out : reshape(out, {});
}

Tensor scatter_reduce_(Tensor self, int64_t dim, const Tensor& index, const Tensor& source,
                       const ScatterReduce& options) {
  constexpr const char* kOp = "scatter_reduce_";
  const Tensor old = old_value(kOp, self, {source});
  return store_(kOp, self, scatter_reduce(old, dim, index, source, options));
}

Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength) {
  constexpr const char* kOp = "bincount";
  if (!is_integer(x.dtype())) {
    throw DtypeError("[", kOp, "] needs integers, got ", x.dtype(), "; write x.long()");
  }
  if (x.ndim() != 1) throw ShapeError("[", kOp, "] needs one dimension, got ", x.shape());
  if (minlength < 0)
    throw ValueError("[", kOp, "] minlength must not be negative, got ", minlength);
  if (weights.defined() && weights.shape() != x.shape()) {
    throw ShapeError("[", kOp, "] weights of shape ", weights.shape(), " for numbers of shape ",
                     x.shape(), ": one weight for each");
  }
  const Tensor numbers = contiguous_as(x, Dtype::kInt64);
  int64_t size = minlength;
  for (int64_t k = 0; k < numbers.numel(); ++k) {
    const int64_t i = numbers.as<int64_t>()[k];
    if (i < 0) throw ValueError("[", kOp, "] element ", k, " is ", i, ": must not be negative");
    if (i == std::numeric_limits<int64_t>::max()) {
      throw ValueError("[", kOp, "] element ", k, " is ", i, ": too large to count up to");
    }
    size = std::max(size, i + 1);
  }
  if (!weights.defined()) {
    const Tensor ones = full_int(numbers.shape(), 1, Dtype::kInt64);
    return scatter_add(zeros({size}, Dtype::kInt64), 0, numbers, ones);
  }
  const Tensor of = is_floating(weights.dtype()) ? weights : to(weights, Dtype::kFloat64);
  return scatter_add(zeros({size}, of.dtype()), 0, numbers, of);
}

}  // namespace sf
