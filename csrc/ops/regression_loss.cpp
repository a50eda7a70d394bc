// Losses of numbers against numbers.
#include <cmath>
#include "ops/convert.h"
#include "ops/loss_support.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr double kTwoPi = 6.283185307179586;

// Losses of the difference d = x - target; slope(d) is the derivative.
template <class Value, class Slope>
Tensor difference_loss(const char* op, const Tensor& x, const Tensor& target,
                       const LossReduction& how, const Value& value, const Slope& slope) {
  const Tensor losses = elementwise_loss(
      op, checked_pair(op, x, target),
      [&](const Tensor& a, const Tensor& b) { return value(a - b); },
      [slope](const Tensor& a, const Tensor& b) { return slope(a - b); },
      [slope](const Tensor& a, const Tensor& b) { return -slope(a - b); });
  return reduce_loss(op, losses, how);
}

// scale * (d^2 / 2 for |d| <= delta, delta (|d| - delta / 2) beyond).
Tensor scaled_huber(const char* op, const Tensor& x, const Tensor& target, double delta,
                    double scale, const LossReduction& how) {
  return difference_loss(
      op, x, target, how,
      [delta, scale](const Tensor& d) {
        const Tensor size = abs(d), inner = clamp(size, 0, delta);
        return inner * (size - inner * 0.5) * scale;
      },
      [delta, scale](const Tensor& d) { return clamp(d, -delta, delta) * scale; });
}

Tensor absolute_loss(const char* op, const Tensor& x, const Tensor& target,
                     const LossReduction& how) {
  return difference_loss(
      op, x, target, how, [](const Tensor& d) { return abs(d); },
      [](const Tensor& d) { return sign(d); });
}

// var as it broadcasts over x.
Tensor checked_variance(const Tensor& x, const Tensor& var, Dtype dtype) {
  check_elements("gaussian_nll_loss", "var", to(detach(var), dtype),
                 "is negative; give variances, not standard deviations or their logarithms",
                 [](auto v) { return v < 0; });
  const Tensor v = to(var, dtype);
  if (var.ndim() == 0 || var.shape() == x.shape()) return v;
  if (x.ndim() == 0) {
    throw ShapeError("[gaussian_nll_loss] var ", var.shape(), " does not fit input (); give a ",
                     "single variance");
  }
  Shape column = x.shape(), rows = x.shape();
  column[column.ndim() - 1] = 1;
  if (var.shape() == column) return v;
  rows.erase(rows.ndim() - 1);
  if (var.shape() == rows) return unsqueeze(v, -1);
  throw ShapeError("[gaussian_nll_loss] var ", var.shape(), " does not fit input ", x.shape(),
                   "; give one variance per element, or ", rows, " or ", column,
                   " for one per row");
}

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& target, const LossReduction& how) {
  return difference_loss(
      "mse_loss", x, target, how, [](const Tensor& d) { return square(d); },
      [](const Tensor& d) { return d * 2; });
}

Tensor l1_loss(const Tensor& x, const Tensor& target, const LossReduction& how) {
  return absolute_loss("l1_loss", x, target, how);
}

Tensor huber_loss(const Tensor& x, const Tensor& target, double delta, const LossReduction& how) {
  if (!(delta > 0)) throw ValueError("[huber_loss] delta must be positive, got ", delta);
  return scaled_huber("huber_loss", x, target, delta, 1, how);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, double beta,
                      const LossReduction& how) {
  if (!(beta >= 0)) throw ValueError("[smooth_l1_loss] beta must not be negative, got ", beta);
  if (beta > 0) return scaled_huber("smooth_l1_loss", x, target, beta, 1 / beta, how);
  return absolute_loss("smooth_l1_loss", x, target, how);
}

Tensor poisson_nll_loss(const Tensor& x0, const Tensor& target0, const PoissonOptions& options,
                        const LossReduction& how) {
  constexpr const char* kOp = "poisson_nll_loss";
  const auto [x, target] = checked_pair(kOp, x0, target0);
  check_elements(kOp, "target", target, "is negative, which no count is",
                 [](auto t) { return t < 0; });
  if (!options.log_input) {
    check_elements(kOp, "input", x,
                   "is negative, which no rate is; pass log_input=True for "
                   "logarithms of rates",
                   [](auto rate) { return rate < 0; });
  }
  Tensor losses = options.log_input ? exp(x) - target * x : x - target * log(x + options.eps);
  if (options.full) {  // Stirling's log(target!)
    const Tensor many = target > 1;
    const Tensor t = where(many, target, number_like(target, 1));
    const Tensor stirling = t * log(t) - t + log(t * kTwoPi) * 0.5;
    losses = losses + where(many, stirling, number_like(target, 0));
  }
  return reduce_loss(kOp, losses, how);
}

Tensor gaussian_nll_loss(const Tensor& x0, const Tensor& target0, const Tensor& var0, bool full,
                         double eps, const LossReduction& how) {
  constexpr const char* kOp = "gaussian_nll_loss";
  if (!(eps > 0)) throw ValueError("[gaussian_nll_loss] eps must be positive, got ", eps);
  check_same_shape(kOp, x0, target0);
  const Dtype dtype = loss_dtype(kOp, {x0, target0, var0});
  const Tensor x = to(x0, dtype), target = to(target0, dtype);
  const Tensor given = checked_variance(x, var0, dtype);
  // A variance below eps counts as eps, and still gets the gradient that it would have there.
  const Tensor var = given + (clamp(detach(given), eps, kInf) - detach(given));
  Tensor losses = (log(var) + square(x - target) / var) * 0.5;
  if (full) losses = losses + 0.5 * std::log(kTwoPi);
  return reduce_loss(kOp, losses, how);
}

}  // namespace sf
