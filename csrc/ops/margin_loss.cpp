// Losses that stop at a margin.
#include "ops/convert.h"
#include "ops/create.h"
#include "ops/distance.h"
#include "ops/loss_support.h"
#include "ops/reduce.h"
#include "ops/scatter.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr double kCosineEps = 1e-12;

void check_signs(const char* op, const Tensor& y) {
  check_elements(op, "target", y, "is neither -1 nor 1; write 2 * target - 1 for 0 and 1",
                 [](auto v) { return (v != 1) & (v != -1); });
}

Pair checked_signs(const char* op, const Tensor& x, const Tensor& y) {
  const Pair pair = checked_pair(op, x, y);
  check_signs(op, pair.target);
  return pair;
}

// near where y is 1, far where it is -1.
Tensor by_sign(const Tensor& y, const Tensor& near, const Tensor& far) {
  return where(y > 0, near, far);
}

}  // namespace

Tensor hinge_loss(const Tensor& x, const Tensor& y, double margin, bool squared,
                  const LossReduction& how) {
  const auto [score, sign] = checked_signs("hinge_loss", x, y);
  const Tensor losses = relu(margin - sign * score);
  return reduce_loss("hinge_loss", squared ? square(losses) : losses, how);
}

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& y, double margin,
                            const LossReduction& how) {
  const auto [far, sign] = checked_signs("hinge_embedding_loss", x, y);
  return reduce_loss("hinge_embedding_loss", by_sign(sign, far, relu(margin - far)), how);
}

Tensor soft_margin_loss(const Tensor& x, const Tensor& y, const LossReduction& how) {
  const auto [score, sign] = checked_signs("soft_margin_loss", x, y);
  return reduce_loss("soft_margin_loss", softplus(-(sign * score), 1, kInf), how);
}

Tensor multi_margin_loss(const Tensor& x, const Tensor& target, int64_t p, double margin,
                         const Tensor& weight, const LossReduction& how) {
  constexpr const char* kOp = "multi_margin_loss";
  if (p != 1 && p != 2) throw ValueError("[", kOp, "] p must be 1 or 2, got ", p);
  loss_dtype(kOp, {x});
  const bool batched = x.ndim() == 2;
  if ((x.ndim() != 1 && !batched) || x.size(x.ndim() - 1) == 0) {
    throw ShapeError("[", kOp, "] the input must be (N, C) or (C,) with C >= 1, got ", x.shape());
  }
  const int64_t classes = x.size(x.ndim() - 1);
  const Shape expected = batched ? Shape{x.size(0)} : Shape{};
  if (target.shape() != expected) {
    throw ShapeError("[", kOp, "] input ", x.shape(), " needs labels of shape ", expected, ", got ",
                     target.shape(), "; give one class index per row");
  }
  const Tensor rows = batched ? x : unsqueeze(x, 0);
  if (!is_integer(target.dtype())) {
    throw DtypeError("[", kOp, "] labels must be integers, got ", target.dtype(),
                     "; write target.long() if they are class indices");
  }
  const Tensor labels = unsqueeze(checked_labels(kOp, target, classes), 1);
  const Tensor gaps = relu(rows - gather(rows, 1, labels) + margin);
  const Tensor powers = p == 1 ? gaps : square(gaps);
  const Tensor position = arange_int(0, classes, 1, Dtype::kInt64);
  const Tensor others = where(eq(position, labels), number_like(powers, 0), powers);
  Tensor losses = mean(others, Shape{1});
  if (weight.defined()) {
    if (weight.shape() != Shape{classes}) {
      throw ShapeError("[", kOp, "] weight must be one number per class, (", classes, ",), got ",
                       weight.shape());
    }
    losses = losses * index_select(to(weight, x.dtype()), 0, reshape(labels, {rows.size(0)}));
  }
  return reduce_loss(kOp, reshape(losses, expected), how);
}

namespace {

// Of every row: its labels, 0 where there is none, which of them are there, and which classes are
// no label.
struct LabelSets {
  Tensor labels, listed, others;
};

LabelSets label_sets(const char* op, const Tensor& target, int64_t rows, int64_t classes) {
  const Tensor given = contiguous_as(target, Dtype::kInt64);
  const Shape shape{rows, classes};
  LabelSets out{zeros(shape, Dtype::kInt64), zeros(shape, Dtype::kBool),
                full(shape, 1, Dtype::kBool)};
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t at = i * classes;
    for (int64_t k = 0; k < classes; ++k) {
      const int64_t label = given.as<int64_t>()[at + k];
      if (label == -1) break;
      if (label < 0 || label >= classes) {
        throw IndexError("[", op, "] label ", label, " in row ", i, " is not one of the ", classes,
                         " classes 0 to ", classes - 1, "; -1 ends the labels of a row");
      }
      out.labels.as<int64_t>()[at + k] = label;
      out.listed.as<bool>()[at + k] = true;
      out.others.as<bool>()[at + label] = false;
    }
  }
  return out;
}

}  // namespace

Tensor multilabel_margin_loss(const Tensor& x, const Tensor& target, const LossReduction& how) {
  constexpr const char* kOp = "multilabel_margin_loss";
  loss_dtype(kOp, {x});
  if ((x.ndim() != 1 && x.ndim() != 2) || x.size(x.ndim() - 1) == 0) {
    throw ShapeError("[", kOp, "] the input must be (N, C) or (C,) with C >= 1, got ", x.shape());
  }
  check_same_shape(kOp, x, target);
  if (!is_integer(target.dtype())) {
    throw DtypeError("[", kOp, "] labels must be integers, got ", target.dtype(),
                     "; write target.long() if they are class indices");
  }
  const int64_t classes = x.size(x.ndim() - 1), n = x.numel() / classes;
  const Tensor rows = reshape(x, {n, classes});
  const LabelSets sets = label_sets(kOp, target, n, classes);
  const Tensor own = unsqueeze(gather(rows, 1, sets.labels), 2);
  const Tensor counts = logical_and(unsqueeze(sets.listed, 2), unsqueeze(sets.others, 1));
  const Tensor gaps = where(counts, relu(1 - own + unsqueeze(rows, 1)), number_like(x, 0));
  const Tensor losses = sum(gaps, Shape{1, 2}) / static_cast<double>(classes);
  return reduce_loss(kOp, x.ndim() == 2 ? losses : reshape(losses, {}), how);
}

Tensor margin_ranking_loss(const Tensor& a0, const Tensor& b0, const Tensor& y, double margin,
                           const LossReduction& how) {
  constexpr const char* kOp = "margin_ranking_loss";
  check_same_shape(kOp, a0, b0, "input1", "input2");
  check_same_shape(kOp, a0, y, "input1", "target");
  const Dtype dtype = loss_dtype(kOp, {a0, b0, y});
  const Tensor a = to(a0, dtype), b = to(b0, dtype), sign = to(y, dtype);
  check_signs(kOp, sign);
  return reduce_loss(kOp, relu(margin - sign * (a - b)), how);
}

Tensor cosine_embedding_loss(const Tensor& a0, const Tensor& b0, const Tensor& y, double margin,
                             const LossReduction& how) {
  constexpr const char* kOp = "cosine_embedding_loss";
  check_same_shape(kOp, a0, b0, "input1", "input2");
  if (a0.ndim() != 1 && a0.ndim() != 2) {
    throw ShapeError("[", kOp, "] the inputs must be (N, D) or (D,), got ", a0.shape());
  }
  const Shape expected = a0.ndim() == 2 ? Shape{a0.size(0)} : Shape{};
  if (y.shape() != expected) {
    throw ShapeError("[", kOp, "] inputs ", a0.shape(), " need a target of shape ", expected,
                     ", got ", y.shape());
  }
  if (!(margin >= -1 && margin <= 1)) {
    throw ValueError("[", kOp, "] margin must be in [-1, 1], as a cosine is, got ", margin);
  }
  const Dtype dtype = loss_dtype(kOp, {a0, b0, y});
  const Tensor a = to(a0, dtype), b = to(b0, dtype), sign = to(y, dtype);
  check_signs(kOp, sign);
  const Dims last = Shape{-1};
  const Tensor squares = (sum(square(a), last) + kCosineEps) * (sum(square(b), last) + kCosineEps);
  const Tensor cosine = sum(a * b, last) / sqrt(squares);
  return reduce_loss(kOp, by_sign(sign, 1 - cosine, relu(cosine - margin)), how);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletOptions& options, const LossReduction& how) {
  constexpr const char* kOp = "triplet_margin_loss";
  check_same_shape(kOp, anchor, positive, "anchor", "positive");
  check_same_shape(kOp, anchor, negative, "anchor", "negative");
  if (anchor.ndim() == 0) throw ShapeError("[", kOp, "] needs (N, D) or (D,), got ()");
  const auto [margin, p, eps, swap] = options;
  if (!(margin > 0)) throw ValueError("[", kOp, "] margin must be positive, got ", margin);
  if (!(p > 0)) throw ValueError("[", kOp, "] p must be positive, got ", p);
  const Dtype dtype = loss_dtype(kOp, {anchor, positive, negative});
  const Tensor a = to(anchor, dtype), near = to(positive, dtype), far = to(negative, dtype);
  const auto distance = [&](const Tensor& from, const Tensor& other) {
    return pairwise_distance(from, other, options.p, options.eps, false);
  };
  Tensor apart = distance(a, far);
  if (swap) apart = minimum(apart, distance(near, far));
  return reduce_loss(kOp, relu(distance(a, near) - apart + margin), how);
}

}  // namespace sf
