// Losses over classes. All reduce to rows (n, C) and a matrix P (n, C) of how much of each class a
// row expects: loss_i = -sum_c P[i, c] log p[i, c]. With label t, smoothing e and weights w,
// P[i, c] = w_c ((1 - e) [c = t] + e / C), and 0 for ignored rows. P is never built but for a
// backward that must itself be differentiable, and for weights that want a gradient.
#include "base/fpstate.h"
#include "base/parallel.h"
#include "kernels/copy.h"
#include "kernels/launch.h"
#include "kernels/softmax.h"
#include "ops/convert.h"
#include "ops/loss_support.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/softmax.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr int64_t kRowsPerChunk = 256;

int64_t class_dim(const Tensor& x) { return x.ndim() == 1 ? 0 : 1; }

// (n, C) rows of x, classes last.
Tensor as_rows(const Tensor& x) {
  if (x.ndim() == 2) return x;
  const int64_t classes = x.size(static_cast<int>(class_dim(x)));
  return reshape(x.ndim() > 2 ? movedim(x, 1, -1) : x, {x.numel() / classes, classes});
}

void check_scores(const char* op, const Tensor& x) {
  if (!is_floating(x.dtype())) {
    throw DtypeError("[", op, "] the input must be float32 or float64, got ", x.dtype(),
                     "; convert with float()");
  }
  if (x.ndim() == 0 || x.size(static_cast<int>(class_dim(x))) == 0) {
    throw ShapeError("[", op, "] the input must be (C,), (N, C) or (N, C, d1, ...) with C >= 1, ",
                     "got ", x.shape());
  }
}

void check_labels(const char* op, const Tensor& x, const Tensor& target) {
  Shape expected = x.shape();
  expected.erase(static_cast<int>(class_dim(x)));
  if (target.shape() != expected) {
    const bool column = target.ndim() == expected.ndim() + 1 &&
                        target.numel() == expected.numel() && target.size(target.ndim() - 1) == 1;
    throw ShapeError("[", op, "] input ", x.shape(), " needs labels of shape ", expected, ", got ",
                     target.shape(),
                     column ? "; write target.squeeze(-1)"
                            : "; give one class index per row, not one column per class");
  }
  if (!is_integer(target.dtype())) {
    throw DtypeError("[", op, "] labels must be integers, got ", target.dtype(),
                     "; write target.long() if they are class indices, or give class ",
                     "probabilities of shape ", x.shape());
  }
}

Tensor checked_weight(const char* op, const Tensor& weight, int64_t classes, Dtype dtype) {
  if (!weight.defined()) return {};
  if (weight.shape() != Shape{classes}) {
    throw ShapeError("[", op, "] weight must be one number per class, (", classes, ",), got ",
                     weight.shape());
  }
  return to(weight, dtype);
}

// What a row of P is made from.
struct Expected {
  Tensor labels;  // (n,) int64
  Tensor weight;  // (C,) or undefined
  int64_t classes, ignore;
  double smoothing;
  bool ignored(int64_t row) const { return labels.as<int64_t>()[row] == ignore; }
  int64_t label(int64_t row) const { return labels.as<int64_t>()[row]; }
};

template <class T>
struct RowWeights {
  const T* weight;  // null: ones
  T at_label, elsewhere, sum;
  explicit RowWeights(const Expected& e) : weight(e.weight.defined() ? e.weight.as<T>() : nullptr) {
    at_label = static_cast<T>(1 - e.smoothing);
    elsewhere = static_cast<T>(e.smoothing / static_cast<double>(e.classes));
    T total = 0;
    for (int64_t c = 0; c < e.classes; ++c) total += of(c);
    sum = total;
  }
  T of(int64_t c) const { return weight ? weight[c] : T(1); }
};

// fn(row) for every row, on several threads for many of them.
template <class F>
void for_each_row(const char* name, int64_t n, int64_t classes, const F& fn) {
  launch(name, [=] {
    const Chunks chunks{n, n * classes < 32768 ? n : kRowsPerChunk};
    if (n == 0) return;
    parallel_for(chunks.count(), [&](int64_t i) {
      for (int64_t row = chunks.begin(i); row < chunks.end(i); ++row) fn(row);
    });
  });
}

// The loss of each row, (n, C) contiguous -> (n,), where log p[i, c] = x[i, c] - lse[i]; an
// undefined lse stands for zeros.
Tensor row_losses(const Tensor& x, const Tensor& lse, const Expected& e) {
  const int64_t n = x.size(0);
  Tensor out = empty({n}, x.dtype());
  dispatch_floating(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const RowWeights<T> w(e);
    for_each_row("nll_loss", n, e.smoothing > 0 ? e.classes : 1,
                 [=, p = x.as<T>(), norm = lse.defined() ? lse.as<T>() : nullptr,
                  y = out.as<T>()](int64_t row) {
                   if (e.ignored(row)) {
                     y[row] = 0;
                     return;
                   }
                   const T* at = p + row * e.classes;
                   const T shift = norm ? norm[row] : T(0);
                   const int64_t t = e.label(row);
                   T loss = -w.at_label * w.of(t) * (at[t] - shift);
                   if (e.smoothing > 0) {
                     T all = 0;
                     for (int64_t c = 0; c < e.classes; ++c) all += w.of(c) * (at[c] - shift);
                     loss -= w.elsewhere * all;
                   }
                   y[row] = loss;
                 });
  });
  return out;
}

// The weight of each row's label, (n,); 0 for ignored rows.
Tensor row_weights(const Expected& e, Dtype dtype) {
  const int64_t n = e.labels.numel();
  Tensor out = empty({n}, dtype);
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* weight = e.weight.defined() ? e.weight.as<T>() : nullptr;
    T* y = out.as<T>();
    for (int64_t i = 0; i < n; ++i) {
      y[i] = e.ignored(i) ? T(0) : weight ? weight[e.label(i)] : T(1);
    }
  });
  return out;
}

// What a mean divides by: the sum of the rows' weights, 1 if no row counts (the loss is then 0).
double mean_divisor(const Expected& e, Dtype dtype) {
  double total = 0;
  if (e.weight.defined()) {
    total = item_as_double(sum(row_weights(e, dtype)));
  } else {
    for (int64_t i = 0; i < e.labels.numel(); ++i) total += e.ignored(i) ? 0 : 1;
  }
  return total == 0 ? 1 : total;
}

// The matrix P.
Tensor expected_matrix(const Expected& e, Dtype dtype) {
  const int64_t n = e.labels.numel();
  Tensor out = empty({n, e.classes}, dtype);
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    const RowWeights<T> w(e);
    T* p = out.as<T>();
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t c = 0; c < e.classes; ++c) {
        const T share = w.elsewhere + (c == e.label(i) ? w.at_label : T(0));
        p[i * e.classes + c] = e.ignored(i) ? T(0) : share * w.of(c);
      }
    }
  });
  return out;
}

// The factor of each row's softmax in dx, (n,): coefficient_i sum_c P[i, c].
Tensor softmax_factors(const Tensor& coefficient, const Expected& e) {
  const int64_t n = e.labels.numel();
  Tensor out = empty({n}, coefficient.dtype());
  dispatch_floating(out.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const RowWeights<T> w(e);
    const Array g = coefficient.broadcast({n});
    for (int64_t i = 0; i < n; ++i) {
      const T total = e.ignored(i) ? T(0) : w.at_label * w.of(e.label(i)) + w.elsewhere * w.sum;
      out.as<T>()[i] = total * g.as<T>()[i * g.strides[0]];
    }
  });
  return out;
}

// dx[i, :] -= coefficient_i P[i, :].
void subtract_expected(const Tensor& dx, const Tensor& coefficient, const Expected& e) {
  dispatch_floating(dx.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const RowWeights<T> w(e);
    const Array scale = coefficient.broadcast({dx.size(0)});
    for_each_row("nll_loss", dx.size(0), e.smoothing > 0 ? e.classes : 1,
                 [=, p = dx.as<T>(), g = scale.as<T>(), step = scale.strides[0]](int64_t row) {
                   if (e.ignored(row)) return;
                   T* at = p + row * e.classes;
                   const int64_t t = e.label(row);
                   const T factor = g[row * step];
                   at[t] -= w.at_label * w.of(t) * factor;
                   if (e.smoothing <= 0) return;
                   for (int64_t c = 0; c < e.classes; ++c) at[c] -= w.elsewhere * w.of(c) * factor;
                 });
  });
}

// The loss of rows x (n, C) contiguous against labels: of scores (from_scores), or of
// log-probabilities.
Tensor label_loss(const char* op, const Tensor& x, const Expected& e, Reduction reduction,
                  bool from_scores) {
  Tensor loss, lse;
  double divisor = 1;
  {
    const GradModeGuard no_grad(false);
    const FlushDenormals flush;
    if (from_scores) {
      lse = empty({x.size(0)}, x.dtype());
      run_row_lse(x.array(), lse.array());
    }
    loss = row_losses(x, lse, e);
    if (reduction == Reduction::kMean) divisor = mean_divisor(e, x.dtype());
    if (reduction != Reduction::kNone) loss = sum(loss);
    if (divisor != 1) loss = loss / divisor;
  }
  return record(op, loss, {&x}, {&x, &e.labels, &lse},
                [e, divisor, none = reduction == Reduction::kNone](const Backward& b) -> Grads {
                  const Tensor rows = b.saved(0), row_lse = b.saved(2);
                  const Tensor g = divisor == 1 ? b.grad() : b.grad() / divisor;
                  b.saved(1);  // the labels must be unchanged too
                  if (b.graph()) {
                    const Tensor p = expected_matrix(e, rows.dtype());
                    const Tensor column = none ? unsqueeze(g, 1) : g;
                    if (!row_lse.defined()) return {-(column * p)};
                    return {column * (softmax(rows, 1) * sum(p, Shape{1}, true) - p)};
                  }
                  Tensor dx = empty(rows.shape(), rows.dtype());
                  if (row_lse.defined()) {
                    run_row_softmax(rows.array(), row_lse.array(), softmax_factors(g, e).array(),
                                    dx.array());
                  } else {
                    run_fill(dx.array(), 0);
                  }
                  subtract_expected(dx, g, e);
                  return {dx};
                });
}

// -sum_c w_c P[i, c] log p[i, c] under the shape of the targets; p (n, C) without weights.
Tensor losses_of(const Tensor& p, const Tensor& weight, const Tensor& logs, const Shape& shape) {
  const Tensor shares = weight.defined() ? p * weight : p;
  return reshape(-sum(shares * logs, Shape{1}), shape);
}

// Labels with a weight that wants a gradient.
Tensor labelled_in_graph(const char* op, const Tensor& rows, Expected e, const Shape& shape,
                         const LossReduction& how, bool from_scores) {
  const Tensor weight = std::exchange(e.weight, Tensor());
  const Tensor logs = from_scores ? log_softmax(rows, 1) : rows;
  const Tensor losses = losses_of(expected_matrix(e, rows.dtype()), weight, logs, shape);
  e.smoothing = 0;
  const Tensor counts = sum(expected_matrix(e, rows.dtype()) * weight, Shape{1});
  return reduce_loss(op, losses, how, reshape(counts, shape));
}

Tensor labelled(const char* op, const Tensor& x, const Tensor& target,
                const ClassLossOptions& options, bool from_scores) {
  check_labels(op, x, target);
  const Tensor rows = contiguous(as_rows(x));
  const int64_t classes = rows.size(1);
  Expected e{checked_labels(op, target, classes, options.ignore_index),
             checked_weight(op, options.weight, classes, x.dtype()), classes, options.ignore_index,
             options.label_smoothing};
  const LossReduction& how = options.reduction;
  const Tensor* weight[] = {&e.weight};
  if (e.weight.defined() && should_record(op, weight)) {
    return labelled_in_graph(op, rows, e, target.shape(), how, from_scores);
  }
  if (e.weight.defined()) e.weight = contiguous_copy(detach(e.weight));
  if (!how.sample_weight.defined()) {
    const Tensor loss = label_loss(op, rows, e, how.reduction, from_scores);
    return how.reduction == Reduction::kNone ? reshape(loss, target.shape()) : loss;
  }
  const Tensor losses = label_loss(op, rows, e, Reduction::kNone, from_scores);
  return reduce_loss(op, reshape(losses, target.shape()), how,
                     reshape(row_weights(e, x.dtype()), target.shape()));
}

// Probabilities as targets: the mean is over rows, whatever the weights.
Tensor against_probabilities(const Tensor& x, const Tensor& target,
                             const ClassLossOptions& options) {
  const Tensor rows = as_rows(x);
  const int64_t classes = rows.size(1);
  Tensor p = as_rows(to(target, x.dtype()));
  const double e = options.label_smoothing;
  if (e > 0) p = p * (1 - e) + e / static_cast<double>(classes);
  const Tensor weight = checked_weight("cross_entropy", options.weight, classes, x.dtype());
  Shape shape = x.shape();
  shape.erase(static_cast<int>(class_dim(x)));
  const Tensor losses = losses_of(p, weight, log_softmax(rows, 1), shape);
  return reduce_loss("cross_entropy", losses, options.reduction);
}

}  // namespace

Tensor cross_entropy(const Tensor& x, const Tensor& target, const ClassLossOptions& options) {
  check_scores("cross_entropy", x);
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1)) {
    throw ValueError("[cross_entropy] label_smoothing must be in [0, 1], got ",
                     options.label_smoothing);
  }
  if (is_floating(target.dtype()) && target.shape() == x.shape()) {
    return against_probabilities(x, target, options);
  }
  return labelled("cross_entropy", x, target, options, true);
}

Tensor nll_loss(const Tensor& x, const Tensor& target, const ClassLossOptions& options) {
  check_scores("nll_loss", x);
  return labelled("nll_loss", x, target, options, false);
}

}  // namespace sf
