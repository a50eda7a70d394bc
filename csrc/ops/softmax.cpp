#include "ops/softmax.h"

#include "autograd/record.h"
#include "kernels/softmax.h"
#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/reduce.h"
#include "tensor/create.h"

namespace sf {
namespace {

Tensor prepared(const Tensor& x, std::optional<Dtype> dtype) {
  const Dtype result = dtype.value_or(promote(x.dtype(), Dtype::kFloat32));
  if (!is_floating(result)) {
    throw DtypeError("[softmax] dtype must be float32 or float64, got ", result);
  }
  return to(x, result);
}

// dL/dx from y and g, per row: y (g - sum(g y)); of the logarithm g - exp(y) sum(g).
Tensor formula(const Tensor& y, const Tensor& g, int dim, bool log) {
  const Dims dims = Shape{dim};
  return log ? g - exp(y) * sum(g, dims, true) : y * (g - sum(g * y, dims, true));
}

// dL/dx of a row-wise y = softmax(x), fused unless the result must be differentiable.
Tensor backward_of(const Backward& b, int d, bool log) {
  const Tensor y = b.saved(0), g = b.grad();
  if (b.graph()) return formula(y, g, d, log);
  Tensor dx = empty(y.shape(), y.dtype());
  run_softmax_backward(y.array(), g.array(), dx.array(), d, log);
  return dx;
}

Tensor softmax_along(const char* op, const Tensor& x, int64_t dim, bool log) {
  const int d = normalize_dim(op, dim, x.ndim());
  if (x.ndim() == 0) return (x - x) + (log ? 0.0 : 1.0);
  Tensor y = empty(x.shape(), x.dtype());
  run_softmax(x.array(), y.array(), d, log);
  return record(op, y, {&x}, {&y},
                [d, log](const Backward& b) -> Grads { return {backward_of(b, d, log)}; });
}

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim, std::optional<Dtype> dtype) {
  return softmax_along("softmax", prepared(x, dtype), dim, false);
}
Tensor softmin(const Tensor& x, int64_t dim, std::optional<Dtype> dtype) {
  return softmax_along("softmin", -prepared(x, dtype), dim, false);
}
Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<Dtype> dtype) {
  return softmax_along("log_softmax", prepared(x, dtype), dim, true);
}

Tensor masked_softmax(const Tensor& scores, const Tensor& given) {
  const Tensor x = contiguous(scores);
  const bool added = is_floating(given.dtype());
  const Tensor mask = added ? to(given, x.dtype()) : given;
  Tensor y = empty(x.shape(), x.dtype());
  run_masked_softmax(x.array(), mask.broadcast(x.shape()), y.array());
  return record("masked_softmax", y, {&x, added ? &mask : nullptr}, {&y},
                [last = x.ndim() - 1, shape = mask.shape()](const Backward& b) -> Grads {
                  const Tensor dx = backward_of(b, last, false);
                  return {dx, b.needs(1) ? sum_to(dx, shape) : Tensor()};
                });
}

Tensor causal_softmax(const Tensor& scores) {
  const Tensor x = contiguous(scores);
  Tensor y = empty(x.shape(), x.dtype());
  run_causal_softmax(x.array(), y.array());
  return record("causal_softmax", y, {&x}, {&y}, [last = x.ndim() - 1](const Backward& b) -> Grads {
    return {backward_of(b, last, false)};
  });
}

}  // namespace sf
