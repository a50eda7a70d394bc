#include "ops/loss.h"

#include "autograd/record.h"
#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/reduce.h"

namespace sf {
namespace {

void check_same_shape(const char* op, const Tensor& x, const Tensor& target) {
  if (x.shape() == target.shape()) return;
  const bool wide_x = x.ndim() == target.ndim() + 1 && x.size(x.ndim() - 1) == 1;
  const bool wide_target = target.ndim() == x.ndim() + 1 && target.size(target.ndim() - 1) == 1;
  throw ShapeError("[", op, "] input ", x.shape(), " and target ", target.shape(), " must have ",
                   "the same shape: broadcasting them would compare every prediction with every ",
                   "target; ",
                   wide_x        ? "write input.squeeze(-1) or target.unsqueeze(-1)"
                   : wide_target ? "write target.squeeze(-1) or input.unsqueeze(-1)"
                                 : "reshape one of them, or expand() it if repetition is meant");
}

Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::kMean) return mean(losses);
  return reduction == Reduction::kSum ? sum(losses) : losses;
}

// A loss of the difference d = x - target; slope(d) is its derivative.
template <class Value, class Slope>
Tensor difference_loss(const char* op, const Tensor& x0, const Tensor& target0, Reduction reduction,
                       const Value& value, const Slope& slope) {
  check_same_shape(op, x0, target0);
  const Dtype dtype = promote(x0.dtype(), target0.dtype());
  if (!is_floating(dtype)) {
    throw DtypeError("[", op, "] needs float32 or float64, got ", x0.dtype(), " and ",
                     target0.dtype(), "; convert with float()");
  }
  const Tensor x = to(x0, dtype), target = to(target0, dtype);
  Tensor loss;
  {
    const GradModeGuard no_grad(false);
    loss = reduced(value(x - target), reduction);
  }
  const double scale = reduction == Reduction::kMean ? 1 / static_cast<double>(x.numel()) : 1;
  return record(op, loss, {&x, &target}, {&x, &target}, [scale, slope](const Backward& b) -> Grads {
    const Tensor dx = slope(b.saved(0) - b.saved(1)) * (b.grad() * scale);
    return {b.needs(0) ? dx : Tensor(), b.needs(1) ? -dx : Tensor()};
  });
}

}  // namespace

Reduction reduction_of(const char* op, const std::string& name) {
  if (name == "mean") return Reduction::kMean;
  if (name == "sum") return Reduction::kSum;
  if (name == "none") return Reduction::kNone;
  throw ValueError("[", op, "] reduction must be 'mean', 'sum' or 'none', got '", name, "'");
}

Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  return difference_loss(
      "mse_loss", x, target, reduction, [](const Tensor& d) { return square(d); },
      [](const Tensor& d) { return d * 2; });
}

Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  return difference_loss(
      "l1_loss", x, target, reduction, [](const Tensor& d) { return abs(d); },
      [](const Tensor& d) { return sign(d); });
}

}  // namespace sf
