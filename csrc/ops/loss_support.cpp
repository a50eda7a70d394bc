#include "ops/loss_support.h"

#include "ops/convert.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

// The weights under a shape that broadcasts over the losses: (N,) as (N, 1, ...).
Tensor spread_weight(const char* op, const Tensor& weight, const Tensor& losses) {
  Shape shape = losses.shape();
  bool fits = weight.ndim() <= shape.ndim();
  for (int i = 0; fits && i < shape.ndim(); ++i) {
    if (i < weight.ndim()) {
      fits = weight.size(i) == shape[i];
    } else {
      shape[i] = 1;
    }
  }
  if (!fits) {
    throw ShapeError("[", op, "] sample_weight ", weight.shape(), " does not fit losses of shape ",
                     losses.shape(), "; give one weight per sample",
                     losses.ndim() ? str(", shape (", losses.size(0), ",)") : "");
  }
  return reshape(to(weight, losses.dtype()), shape);
}

// a / b, and 0 where b is: nothing counts.
Tensor share(const Tensor& a, const Tensor& b) {
  return a / where(eq(b, number_like(b, 0)), number_like(b, 1), b);
}

double ratio(int64_t a, int64_t b) {
  return b == 0 ? 1 : static_cast<double>(a) / static_cast<double>(b);
}

}  // namespace

Reduction reduction_of(const char* op, const std::string& name, bool batchmean) {
  if (name == "mean") return Reduction::kMean;
  if (name == "sum") return Reduction::kSum;
  if (name == "none") return Reduction::kNone;
  if (batchmean && name == "batchmean") return Reduction::kBatchMean;
  throw ValueError("[", op, "] reduction must be 'mean', 'sum'", batchmean ? ", 'batchmean'" : "",
                   " or 'none', got '", name, "'");
}

Tensor reduce_loss(const char* op, const Tensor& losses, const LossReduction& how,
                   const Tensor& counts) {
  const bool weighted = how.sample_weight.defined();
  if (weighted && (how.reduction == Reduction::kMean || how.reduction == Reduction::kBatchMean)) {
    check_elements(op, "sample_weight", to(how.sample_weight, losses.dtype()),
                   "is negative, and the mean divides by the sum of the weights; use 'sum' or "
                   "'none' for weights of both signs",
                   [](auto w) { return w < 0; });
  }
  const Tensor w = weighted ? spread_weight(op, how.sample_weight, losses) : Tensor();
  const Tensor terms = weighted ? losses * w : losses;
  if (how.reduction == Reduction::kNone) return terms;
  if (how.reduction == Reduction::kSum) return sum(terms);
  int64_t units = losses.numel();  // what the weights are counted over
  if (how.reduction == Reduction::kBatchMean) {
    if (losses.ndim() == 0) {
      throw ShapeError("[", op,
                       "] reduction='batchmean' divides by the first size, and a 0-d loss ",
                       "has none; use 'sum'");
    }
    units = losses.size(0);
    if (!weighted) return sum(terms) / static_cast<double>(units);
  } else if (counts.defined()) {
    return share(sum(terms), sum(weighted ? counts * w : counts));
  } else if (!weighted) {
    return mean(terms);
  }
  return share(sum(terms), sum(w) * ratio(units, w.numel()));
}

void check_same_shape(const char* op, const Tensor& x, const Tensor& target, const char* x_name,
                      const char* target_name) {
  if (x.shape() == target.shape()) return;
  const bool wide_x = x.ndim() == target.ndim() + 1 && x.size(x.ndim() - 1) == 1;
  const bool wide_target = target.ndim() == x.ndim() + 1 && target.size(target.ndim() - 1) == 1;
  const std::string advice =
      wide_x        ? str("write ", x_name, ".squeeze(-1) or ", target_name, ".unsqueeze(-1)")
      : wide_target ? str("write ", target_name, ".squeeze(-1) or ", x_name, ".unsqueeze(-1)")
                    : std::string("reshape one of them, or expand() it if repetition is meant");
  throw ShapeError("[", op, "] ", x_name, " ", x.shape(), " and ", target_name, " ", target.shape(),
                   " must have the same shape: broadcasting them would compare every prediction ",
                   "with every target; ", advice);
}

Dtype loss_dtype(const char* op, std::initializer_list<Tensor> tensors) {
  Dtype dtype = Dtype::kBool;
  for (const Tensor& t : tensors) {
    if (t.defined()) dtype = promote(dtype, t.dtype());
  }
  if (is_floating(dtype)) return dtype;
  throw DtypeError("[", op, "] needs float32 or float64, got only ", dtype,
                   "; convert with float()");
}

Pair checked_pair(const char* op, const Tensor& x, const Tensor& target) {
  check_same_shape(op, x, target);
  const Dtype dtype = loss_dtype(op, {x, target});
  return {to(x, dtype), to(target, dtype)};
}

Tensor checked_labels(const char* op, const Tensor& target, int64_t classes,
                      std::optional<int64_t> ignore) {
  Tensor labels = contiguous_as(target, Dtype::kInt64);
  if (labels.ndim() != 1) labels = reshape(labels, {target.numel()});
  const int64_t* label = labels.as<int64_t>();
  for (int64_t i = 0; i < labels.numel(); ++i) {
    if (label[i] == ignore || (label[i] >= 0 && label[i] < classes)) continue;
    const std::string remedy =
        str("; fix the labels, widen the last layer, or pass ignore_index=", label[i]);
    throw IndexError("[", op, "] label ", label[i], " in row ", i, " is not one of the ", classes,
                     " classes 0 to ", classes - 1, ignore ? remedy : "");
  }
  return labels;
}

void check_probabilities(const char* op, const char* what, const Tensor& x) {
  check_elements(op, what, x, "is not in [0, 1]", [](auto p) { return (p < 0) | (p > 1); });
}

}  // namespace sf
