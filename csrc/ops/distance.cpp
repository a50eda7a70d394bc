#include "ops/distance.h"

#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/shape.h"

namespace sf {
namespace {

Tensor floating(const Tensor& x) { return to(x, promote(x.dtype(), Dtype::kFloat32)); }

Tensor at_least(const Tensor& x, double bound) { return maximum(x, number_like(x, bound)); }

}  // namespace

Tensor normalize(const Tensor& x0, double p, const Dims& dims, double eps) {
  const Tensor x = floating(x0);
  return x / at_least(norm(x, p, dims, true), eps);
}

Tensor cosine_similarity(const Tensor& a0, const Tensor& b0, int64_t dim, double eps) {
  const Shape shape = broadcast_shapes("cosine_similarity", a0.shape(), b0.shape());
  const int d = normalize_dim("cosine_similarity", dim, shape.ndim());
  const Dtype dtype = promote(promote(a0.dtype(), b0.dtype()), Dtype::kFloat32);
  const Tensor a = expand(to(a0, dtype), shape), b = expand(to(b0, dtype), shape);
  const auto length = [&](const Tensor& t) { return at_least(norm(t, 2, Shape{d}), eps); };
  return sum(a * b, Shape{d}) / (length(a) * length(b));
}

Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p, double eps, bool keepdim) {
  broadcast_shapes("pairwise_distance", a.shape(), b.shape());
  return norm(floating(a - b) + eps, p, Shape{-1}, keepdim);
}

}  // namespace sf
