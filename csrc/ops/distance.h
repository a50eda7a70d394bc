// Lengths, angles and distances of vectors.
#pragma once
#include "ops/reduce.h"

namespace sf {

// x / max(|x|_p, eps), the norm taken over dims.
Tensor normalize(const Tensor& x, double p, const Dims& dims, double eps);
// a b / (max(|a|, eps) max(|b|, eps)) along dim; a and b broadcast.
Tensor cosine_similarity(const Tensor& a, const Tensor& b, int64_t dim, double eps);
// |a - b + eps|_p over the last dimension; a and b broadcast.
Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p, double eps, bool keepdim);

}  // namespace sf
