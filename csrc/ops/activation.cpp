#include "ops/activation.h"

#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/random.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {

Tensor prelu(const Tensor& x, const Tensor& weight) {
  if (weight.numel() == 1 && weight.ndim() <= 1) {
    return binary(Binary::prelu, x, weight.ndim() ? reshape(weight, {}) : weight);
  }
  const int64_t channels = x.ndim() > 1 ? x.size(1) : 1;
  if (weight.shape() != Shape{channels}) {
    throw ShapeError("[prelu] weight ", weight.shape(), " for input ", x.shape(),
                     ": it must have one number, or one per channel, (", channels, ",)");
  }
  Shape shape = Shape::filled(x.ndim(), 1);
  if (x.ndim() > 1) shape[1] = channels;
  return binary(Binary::prelu, x, reshape(weight, shape));
}

Tensor rrelu(const Tensor& x, double lower, double upper, bool training, Generator& generator) {
  if (!(lower <= upper)) {
    throw ValueError("[rrelu] needs lower <= upper, got ", lower, " and ", upper);
  }
  if (!training) return unary(Unary::leaky_relu, x, {(lower + upper) / 2});
  const Tensor slopes = empty(x.shape(), promote(x.dtype(), Dtype::kFloat32));
  return binary(Binary::prelu, x, uniform_(slopes, lower, upper, generator));
}

Tensor glu(const Tensor& x, int64_t dim) {
  const int d = normalize_dim("glu", dim, x.ndim());
  if (x.ndim() == 0 || x.size(d) % 2) {
    throw ShapeError("[glu] dim ", dim, " of ", x.shape(), " must have an even size, to be halved");
  }
  const int64_t half = x.size(d) / 2;
  return narrow(x, d, 0, half) * sigmoid(narrow(x, d, half, half));
}

Tensor maxout(const Tensor& x, int64_t k, int64_t dim) {
  const int d = normalize_dim("maxout", dim, x.ndim());
  if (k < 1) throw ValueError("[maxout] k must be positive, got ", k);
  if (x.ndim() == 0 || x.size(d) % k) {
    throw ShapeError("[maxout] dim ", dim, " of ", x.shape(), " must be a multiple of k = ", k);
  }
  return amax(unflatten(x, d, {x.size(d) / k, k}), Shape{d + 1});
}

}  // namespace sf
