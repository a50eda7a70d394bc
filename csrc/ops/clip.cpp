#include "ops/clip.h"

#include <limits>

#include "autograd/grad_mode.h"
#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {

Tensor total_norm(const std::vector<Tensor>& tensors, double p) {
  if (tensors.empty()) return zeros({}, Dtype::kFloat32);
  const GradModeGuard no_grad(false);
  Dtype widest = Dtype::kFloat32;
  for (const Tensor& t : tensors) widest = promote(widest, t.dtype());
  std::vector<Tensor> norms;
  norms.reserve(tensors.size());
  for (const Tensor& t : tensors) norms.push_back(to(norm(t, p), widest));
  return norm(stack(norms, 0), p);
}

Tensor clip_factor(const Tensor& norm, double max_norm) {
  const GradModeGuard no_grad(false);
  constexpr double kInf = std::numeric_limits<double>::infinity();
  return clamp(number_like(norm, max_norm) / (norm + 1e-6), -kInf, 1.0);
}

}  // namespace sf
