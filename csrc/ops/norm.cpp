#include "ops/norm.h"

#include <limits>

#include "autograd/record.h"
#include "kernels/norm.h"
#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

// Every norm reads x as (outer, groups, inner): a group's mean is taken over outer and inner.
const Shape kOver{0, 2};

// The one formula in public ops: the differentiable backward needs its parts.
struct Parts {
  Tensor xhat;  // (x - mean) rstd
  Tensor rstd;  // (1, groups, 1)
};
Parts parts_of(const Tensor& x, const NormPlan& plan) {
  const Tensor centered = plan.centered ? x - mean(x, kOver, true) : x;
  const Tensor rstd = rsqrt(mean(square(centered), kOver, true) + plan.eps);
  return {centered * rstd, rstd};
}

// Gradients of x, weight and bias from g = dL/dy:
// dx = rstd (g w - mean(g w) - xhat mean(g w xhat)), the second term only of a centered norm.
Grads differentiable_backward(const Backward& b, const NormPlan& plan, const Shape& affine) {
  const Shape full{plan.outer, plan.groups, plan.inner};
  const Shape along = plan.along_inner ? Shape{1, 1, plan.inner} : Shape{1, plan.groups, 1};
  const Tensor x = b.saved(0), weight = b.saved(1), g = reshape(b.grad(), full);
  const Parts parts = parts_of(reshape(x, full), plan);
  Grads out(3);
  if (b.needs(0)) {
    const Tensor gw = weight.defined() ? g * reshape(weight, along) : g;
    Tensor dx = gw - parts.xhat * mean(gw * parts.xhat, kOver, true);
    if (plan.centered) dx = dx - mean(gw, kOver, true);
    out[0] = reshape(dx * parts.rstd, x.shape());
  }
  if (b.needs(1)) out[1] = reshape(sum_to(g * parts.xhat, along), affine);
  if (b.needs(2)) out[2] = reshape(sum_to(g, along), affine);
  return out;
}

Array or_null(const Tensor& t) { return t.defined() ? t.array() : Array{}; }

// `affine` is the shape of weight and bias.
Grads norm_backward(const Backward& b, const NormPlan& plan, const Shape& affine) {
  if (b.graph()) return differentiable_backward(b, plan, affine);
  Grads out(3);
  if (b.needs(0)) out[0] = b.reusable_grad();
  const Tensor x = b.saved(0), g = contiguous(b.grad()), mean = b.saved(2), rstd = b.saved(3);
  if (b.needs(1) || b.needs(2)) {
    out[1] = empty(affine, x.dtype());
    out[2] = empty(affine, x.dtype());
  }
  run_norm_backward(plan, x.array(), g.array(), or_null(b.saved(1)), mean.array(), rstd.array(),
                    or_null(out[0]), or_null(out[1]), or_null(out[2]));
  if (!b.needs(1)) out[1] = Tensor();
  if (!b.needs(2)) out[2] = Tensor();
  return out;
}

// y beside the mean and variance (divisor count) of each group, (groups,).
struct Normalized {
  Tensor y, mean, var;
};

Normalized normalized(const char* op, const Tensor& x0, const NormPlan& plan,
                      const Affine& affine = {}) {
  Dtype dtype = x0.dtype();
  for (const Tensor& t : {affine.weight, affine.bias}) {
    if (t.defined()) dtype = promote(dtype, t.dtype());
  }
  const auto prepared = [dtype](const Tensor& t) {
    return t.defined() ? contiguous(to(t, dtype)) : t;
  };
  const Tensor x = prepared(x0), weight = prepared(affine.weight), bias = prepared(affine.bias);
  const Shape groups{plan.groups};
  const Tensor y = empty(x.shape(), dtype), mean = zeros(groups, dtype), var = zeros(groups, dtype),
               rstd = zeros(groups, dtype);
  run_norm(plan, x.array(), or_null(weight), or_null(bias), y.array(), mean.array(), var.array(),
           rstd.array());
  const Tensor* w = weight.defined() ? &weight : nullptr;
  const Tensor* c = bias.defined() ? &bias : nullptr;
  const Shape shape = w ? w->shape() : c ? c->shape() : Shape{};
  const auto formula = [plan, shape](const Backward& b) { return norm_backward(b, plan, shape); };
  return {record(op, y, {&x, w, c}, {&x, w, &mean, &rstd}, formula), mean, var};
}

// weight and bias of (N, C, L), one number for each channel.
Tensor scaled(Tensor y, const Affine& affine, const Shape& as) {
  if (affine.weight.defined()) y = y * reshape(affine.weight, as);
  if (affine.bias.defined()) y = y + reshape(affine.bias, as);
  return y;
}

// ------------------------------------------------------------------------------------- checks

void check_input(const char* op, const Tensor& x, double eps) {
  if (!is_floating(x.dtype())) {
    throw DtypeError("[", op, "] needs float32 or float64, got ", x.dtype(), "; write x.float()");
  }
  if (!(eps >= 0)) throw ValueError("[", op, "] eps must not be negative, got ", eps);
}

void check_vector(const char* op, const char* name, const Tensor& t, const Shape& x,
                  const Shape& wanted) {
  if (!t.defined() || t.shape() == wanted) return;
  throw ShapeError("[", op, "] input ", x, " needs a ", name, " of shape ", wanted, ", got ",
                   t.shape());
}

// x (N, C, ...) as (N, C, the rest), its vectors checked against C.
Shape channel_shape(const char* op, const Tensor& x, const Affine& affine,
                    const Running& running = {}) {
  if (x.ndim() < 2) {
    throw ShapeError("[", op, "] needs (batch, channels, ...), got ", x.shape(),
                     "; write x.unsqueeze(0) for a single sample");
  }
  const Shape channels{x.size(1)};
  check_vector(op, "weight", affine.weight, x.shape(), channels);
  check_vector(op, "bias", affine.bias, x.shape(), channels);
  check_vector(op, "running_mean", running.mean, x.shape(), channels);
  check_vector(op, "running_var", running.var, x.shape(), channels);
  if (const Tensor& n = running.batches; n.defined() && n.dtype() != Dtype::kInt64) {
    throw DtypeError("[", op, "] num_batches_tracked must be int64, got ", n.dtype());
  }
  check_vector(op, "num_batches_tracked", running.batches, x.shape(), {});
  if (running.mean.defined() != running.var.defined()) {
    throw ValueError("[", op, "] running_mean and running_var must be given both or not at all");
  }
  Shape out{x.size(0), x.size(1), 1};
  for (int d = 2; d < x.ndim(); ++d) out[2] *= x.size(d);
  return out;
}

// x (rows) as (1, rows, inner) by the trailing dimensions `normalized`.
Shape row_shape(const char* op, const Tensor& x, const Shape& normalized, const Affine& affine) {
  const int lead = x.ndim() - normalized.ndim();
  bool fits = normalized.ndim() > 0 && lead >= 0;
  for (int d = 0; fits && d < normalized.ndim(); ++d) fits = normalized[d] == x.size(lead + d);
  if (!fits) {
    throw ShapeError("[", op, "] input ", x.shape(), " must end with normalized_shape ", normalized,
                     "; give the sizes of its last dimensions");
  }
  check_vector(op, "weight", affine.weight, x.shape(), normalized);
  check_vector(op, "bias", affine.bias, x.shape(), normalized);
  Shape out{1, 1, normalized.numel()};
  for (int d = 0; d < lead; ++d) out[1] *= x.size(d);
  return out;
}

// ---------------------------------------------------------------------------- running statistics

void move(const char* op, const Tensor& moved, const Tensor& now, const Running& running,
          double factor) {
  const Tensor* inputs[] = {&moved};
  check_inplace(op, moved, inputs);
  const Tensor target = contiguous(moved);
  run_move_running(target.array(), now.array(), running.momentum, or_null(running.batches), factor);
  if (!target.same(moved)) copy_into(moved, target);
  Tensor self = moved;
  finish_inplace(op, self, inputs, {}, [](const Backward&) -> Grads { return {Tensor()}; });
}

// Moves the running statistics towards those of the input; `samples` of them stand in a row.
void move_running(const char* op, const Running& running, const Normalized& now, int64_t samples,
                  int64_t count) {
  if (!running.mean.defined() || count == 0) return;  // nothing was seen
  const GradModeGuard no_grad(false);
  const Shape rows{samples, running.mean.numel()};
  const double unbias = static_cast<double>(count) / static_cast<double>(count - 1);
  move(op, running.mean, reshape(now.mean, rows), running, 1);
  move(op, running.var, reshape(now.var, rows), running, unbias);
}

// The norm by given statistics: x scale + shift, two passes over x.
Tensor with_running(const char* op, const Tensor& x, const Shape& shape, const Running& running,
                    const Affine& affine, double eps) {
  if (!running.mean.defined()) {
    throw ValueError("[", op, "] running_mean and running_var are needed where the input's own ",
                     "statistics are not used");
  }
  const Shape as{1, shape[1], 1};
  Tensor scale = rsqrt(running.var + eps);
  if (affine.weight.defined()) scale = scale * affine.weight;
  // A copy: training may move the mean before backward reads it.
  Tensor shift = -(clone(running.mean) * scale);
  if (affine.bias.defined()) shift = shift + affine.bias;
  const Tensor y = reshape(x, shape) * reshape(scale, as) + reshape(shift, as);
  return reshape(y, x.shape());
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Affine& affine,
                  double eps) {
  check_input("layer_norm", x, eps);
  const Shape s = row_shape("layer_norm", x, normalized_shape, affine);
  return normalized("layer_norm", x, {1, s[1], s[2], true, true, eps}, affine).y;
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  const double own = x.dtype() == Dtype::kFloat64 ? std::numeric_limits<double>::epsilon()
                                                  : std::numeric_limits<float>::epsilon();
  check_input("rms_norm", x, eps.value_or(own));
  const Shape s = row_shape("rms_norm", x, normalized_shape, {weight, {}});
  return normalized("rms_norm", x, {1, s[1], s[2], true, false, eps.value_or(own)}, {weight, {}}).y;
}

Tensor group_norm(const Tensor& x, int64_t groups, const Affine& affine, double eps) {
  check_input("group_norm", x, eps);
  const Shape s = channel_shape("group_norm", x, affine);
  if (groups <= 0 || s[1] % groups != 0) {
    throw ValueError("[group_norm] input ", x.shape(), ": its ", s[1],
                     " channels cannot be divided into ", groups, " groups");
  }
  if (x.numel() == groups) {
    throw ShapeError("[group_norm] input ", x.shape(), " with ", groups, " groups: expected more ",
                     "than 1 value per channel, a single one has no variance");
  }
  const NormPlan plan{1, s[0] * groups, s[1] / groups * s[2], false, true, eps};
  const Tensor y = reshape(normalized("group_norm", x, plan).y, s);
  return reshape(scaled(y, affine, {1, s[1], 1}), x.shape());
}

Tensor instance_norm(const Tensor& x, const Running& running, const Affine& affine, bool use_input,
                     double eps) {
  check_input("instance_norm", x, eps);
  const Shape s = channel_shape("instance_norm", x, affine, running);
  if (!use_input) return with_running("instance_norm", x, s, running, affine, eps);
  if (s[2] < 2) {
    throw ShapeError("[instance_norm] input ", x.shape(), ": expected more than 1 spatial element ",
                     "per channel, a single one has no variance");
  }
  const Normalized out = normalized("instance_norm", x, {1, s[0] * s[1], s[2], false, true, eps});
  move_running("instance_norm", running, out, s[0], s[2]);
  return reshape(scaled(reshape(out.y, s), affine, {1, s[1], 1}), x.shape());
}

Tensor batch_norm(const Tensor& x, const Running& running, const Affine& affine, bool training,
                  double eps) {
  check_input("batch_norm", x, eps);
  const Shape s = channel_shape("batch_norm", x, affine, running);
  if (!training) return with_running("batch_norm", x, s, running, affine, eps);
  const int64_t count = s[0] * s[2];
  if (count == 1) {
    throw ShapeError("[batch_norm] input ", x.shape(), ": expected more than 1 value per channel ",
                     "when training, a single one has no variance; use a larger batch or eval()");
  }
  const Normalized out = normalized("batch_norm", x, {s[0], s[1], s[2], false, true, eps}, affine);
  move_running("batch_norm", running, out, 1, count);
  return out.y;
}

}  // namespace sf
