// Losses of probabilities against probabilities.
#include "ops/convert.h"
#include "ops/loss_support.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr double kLogFloor = -100;  // logarithms of 0 and 1 - 1 are cut here, as in PyTorch
constexpr double kSlopeFloor = 1e-12;

// log(1 + e^x), accurate on both sides.
Tensor log1p_exp(const Tensor& x) { return softplus(x, 1, kInf); }

Tensor log_or_floor(const Tensor& x) { return clamp(log(x), kLogFloor, kInf); }
Tensor log1m_or_floor(const Tensor& x) { return clamp(unary(Unary::log1p, -x), kLogFloor, kInf); }

// The weight in the dtype of x; it may be broadcast to x, never x to it.
Tensor checked_factor(const char* op, const char* what, const Tensor& weight, const Tensor& x) {
  if (broadcast_shapes(op, x.shape(), weight.shape()) != x.shape()) {
    throw ShapeError("[", op, "] ", what, " ", weight.shape(), " does not broadcast to the input ",
                     x.shape());
  }
  return to(weight, x.dtype());
}

// p t log(1 + e^-x) + (1 - t) log(1 + e^x), no term of which cancels another.
Tensor logit_losses(const char* op, const Pair& pair, const Tensor& pos_weight) {
  const Tensor &x = pair.x, &t = pair.target, &p = pos_weight;
  const auto times = [](const Tensor& a, const Tensor& b) { return b.defined() ? a * b : a; };
  Tensor losses;
  {
    const GradModeGuard no_grad(false);
    losses = times(t, p) * log1p_exp(-x) + (1 - t) * log1p_exp(x);
  }
  return record(op, losses, {&x, &t, p.defined() ? &p : nullptr},
                {&x, &t, p.defined() ? &p : nullptr}, [times](const Backward& b) -> Grads {
                  const Tensor g = b.grad(), in = b.saved(0), target = b.saved(1), w = b.saved(2);
                  Grads out(3);
                  if (b.needs(0)) {
                    out[0] = g * ((1 - target) * sigmoid(in) - times(target, w) * sigmoid(-in));
                  }
                  if (b.needs(1)) {
                    out[1] = g * (w.defined() ? log1p_exp(-in) * w - log1p_exp(in) : -in);
                  }
                  if (b.needs(2)) out[2] = sum_to(g * target * log1p_exp(-in), w.shape());
                  return out;
                });
}

}  // namespace

Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight,
                            const LossReduction& how) {
  constexpr const char* kOp = "binary_cross_entropy";
  const Pair pair = checked_pair(kOp, x, target);
  check_elements(kOp, "input", pair.x,
                 "is no probability; write binary_cross_entropy_with_logits for scores",
                 [](auto p) { return (p < 0) | (p > 1); });
  check_probabilities(kOp, "target", pair.target);
  const Tensor losses = elementwise_loss(
      kOp, pair,
      [](const Tensor& p, const Tensor& t) {
        return -(t * log_or_floor(p) + (1 - t) * log1m_or_floor(p));
      },
      [](const Tensor& p, const Tensor& t) {
        return (p - t) / clamp(p * (1 - p), kSlopeFloor, kInf);
      },
      [](const Tensor& p, const Tensor&) { return log1m_or_floor(p) - log_or_floor(p); });
  if (!weight.defined()) return reduce_loss(kOp, losses, how);
  return reduce_loss(kOp, losses * checked_factor(kOp, "weight", weight, pair.x), how);
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target, const Tensor& weight,
                                        const Tensor& pos_weight, const LossReduction& how) {
  constexpr const char* kOp = "binary_cross_entropy_with_logits";
  const Pair pair = checked_pair(kOp, x, target);
  check_probabilities(kOp, "target", pair.target);
  const Tensor p =
      pos_weight.defined() ? checked_factor(kOp, "pos_weight", pos_weight, pair.x) : Tensor();
  const Tensor losses = logit_losses(kOp, pair, p);
  if (!weight.defined()) return reduce_loss(kOp, losses, how);
  return reduce_loss(kOp, losses * checked_factor(kOp, "weight", weight, pair.x), how);
}

Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target, const Tensor& weight,
                                   const LossReduction& how) {
  constexpr const char* kOp = "multilabel_soft_margin_loss";
  const Pair pair = checked_pair(kOp, x, target);
  if (x.ndim() == 0) throw ShapeError("[", kOp, "] the input must be (N, C) or (C,), got ()");
  check_probabilities(kOp, "target", pair.target);
  Tensor losses = logit_losses(kOp, pair, {});
  if (weight.defined()) losses = losses * checked_factor(kOp, "weight", weight, pair.x);
  return reduce_loss(kOp, mean(losses, Shape{-1}), how);
}

Tensor kl_div(const Tensor& x0, const Tensor& target0, bool log_target, const LossReduction& how) {
  const auto [x, target] = checked_pair("kl_div", x0, target0);
  if (log_target) return reduce_loss("kl_div", exp(target) * (target - x), how);
  check_elements("kl_div", "target", target,
                 "is negative, which no probability is; pass log_target=True for logarithms",
                 [](auto p) { return p < 0; });
  // 0 log 0 = 0
  const Tensor inside = where(target > 0, target, number_like(target, 1));
  return reduce_loss("kl_div", target * log(inside) - target * x, how);
}

}  // namespace sf
