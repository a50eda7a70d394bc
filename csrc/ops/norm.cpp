#include "ops/norm.h"

#include <limits>

#include "autograd/grad_mode.h"
#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/reduce.h"
#include "ops/shape.h"

namespace sf {
namespace {

// Every norm reads x as (outer, groups, inner): a group's mean is taken over outer and inner.
const Shape kOver{0, 2};

struct Moments {
  Tensor mean, centered;  // (1, groups, 1); x - mean
  Tensor var, rstd;       // (1, groups, 1), the variance with divisor count
};

Moments moments(const Tensor& x, double eps) {
  // Twice: a mean far from zero is rounded, what it leaves has a mean that is not.
  const Tensor rough = mean(x, kOver, true), shifted = x - rough;
  const Tensor rest = mean(shifted, kOver, true), centered = shifted - rest;
  const Tensor v = mean(square(centered), kOver, true);
  return {rough + rest, centered, v, rsqrt(v + eps)};
}

Tensor standardized(const Moments& m) { return m.centered * m.rstd; }

// weight and bias lie along the dimensions of `as` that are not 1.
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

void blend(const Tensor& running, const Tensor& now, double momentum) {
  copy_(running, running * (1 - momentum) + mean(now, Shape{0}) * momentum);
}

// Moves the running statistics towards those of the input; `samples` of them stand in a row.
void move_running(const Running& running, const Moments& m, int64_t samples, int64_t count) {
  if (!running.mean.defined()) return;
  const GradModeGuard no_grad(false);
  const Shape rows{samples, running.mean.numel()};
  const double unbias = static_cast<double>(count) / static_cast<double>(count - 1);
  blend(running.mean, reshape(m.mean, rows), running.momentum);
  blend(running.var, reshape(m.var, rows) * unbias, running.momentum);
}

// The norm by given statistics, which are constants of inference.
Tensor with_running(const char* op, const Tensor& x, const Shape& shape, const Running& running,
                    const Affine& affine, double eps) {
  if (!running.mean.defined()) {
    throw ValueError("[", op, "] running_mean and running_var are needed where the input's own ",
                     "statistics are not used");
  }
  const Shape as{1, shape[1], 1};
  const Tensor centered = reshape(x, shape) - reshape(running.mean, as);
  const Tensor y = centered * rsqrt(reshape(running.var, as) + eps);
  return reshape(scaled(y, affine, as), x.shape());
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Shape& normalized, const Affine& affine, double eps) {
  check_input("layer_norm", x, eps);
  const Shape shape = row_shape("layer_norm", x, normalized, affine);
  const Tensor rows = reshape(x, shape);
  const Tensor y = standardized(moments(rows, eps));
  return reshape(scaled(y, affine, {1, 1, shape[2]}), x.shape());
}

Tensor rms_norm(const Tensor& x, const Shape& normalized, const Tensor& weight,
                std::optional<double> eps) {
  const double own = x.dtype() == Dtype::kFloat64 ? std::numeric_limits<double>::epsilon()
                                                  : std::numeric_limits<float>::epsilon();
  check_input("rms_norm", x, eps.value_or(own));
  const Shape shape = row_shape("rms_norm", x, normalized, {weight, {}});
  const Tensor rows = reshape(x, shape);
  const Tensor y = rows * rsqrt(mean(square(rows), kOver, true) + eps.value_or(own));
  return reshape(scaled(y, {weight, {}}, {1, 1, shape[2]}), x.shape());
}

Tensor group_norm(const Tensor& x, int64_t groups, const Affine& affine, double eps) {
  check_input("group_norm", x, eps);
  const Shape shape = channel_shape("group_norm", x, affine);
  if (groups <= 0 || shape[1] % groups != 0) {
    throw ValueError("[group_norm] input ", x.shape(), ": its ", shape[1],
                     " channels cannot be divided into ", groups, " groups");
  }
  if (x.numel() == groups) {
    throw ShapeError("[group_norm] input ", x.shape(), " with ", groups, " groups: expected more ",
                     "than 1 value per channel, a single one has no variance");
  }
  const Tensor rows = reshape(x, {1, shape[0] * groups, shape[1] / groups * shape[2]});
  const Tensor y = reshape(standardized(moments(rows, eps)), shape);
  return reshape(scaled(y, affine, {1, shape[1], 1}), x.shape());
}

Tensor instance_norm(const Tensor& x, const Running& running, const Affine& affine, bool use_input,
                     double eps) {
  check_input("instance_norm", x, eps);
  const Shape shape = channel_shape("instance_norm", x, affine, running);
  if (!use_input) return with_running("instance_norm", x, shape, running, affine, eps);
  if (shape[2] < 2) {
    throw ShapeError("[instance_norm] input ", x.shape(), ": expected more than 1 spatial element ",
                     "per channel, a single one has no variance");
  }
  const Tensor rows = reshape(x, {1, shape[0] * shape[1], shape[2]});
  const Moments m = moments(rows, eps);
  move_running(running, m, shape[0], shape[2]);
  const Tensor y = reshape(standardized(m), shape);
  return reshape(scaled(y, affine, {1, shape[1], 1}), x.shape());
}

Tensor batch_norm(const Tensor& x, const Running& running, const Affine& affine, bool training,
                  double eps) {
  check_input("batch_norm", x, eps);
  const Shape shape = channel_shape("batch_norm", x, affine, running);
  if (!training) return with_running("batch_norm", x, shape, running, affine, eps);
  const int64_t count = shape[0] * shape[2];
  if (count < 2) {
    throw ShapeError("[batch_norm] input ", x.shape(), ": expected more than 1 value per channel ",
                     "when training, a single one has no variance; use a larger batch or eval()");
  }
  const Moments m = moments(reshape(x, shape), eps);
  move_running(running, m, 1, count);
  return reshape(scaled(standardized(m), affine, {1, shape[1], 1}), x.shape());
}

}  // namespace sf
