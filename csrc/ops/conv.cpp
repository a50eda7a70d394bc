#include "ops/conv.h"

#include <limits>

#include "autograd/record.h"
#include "kernels/conv.h"
#include "ops/convert.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

// ---------------------------------------------------------------------------- the three products

Tensor bias_grad(const Tensor& g) { return sum(g, Shape{0, 2, 3}); }

Tensor weight_grad(const ConvPlan& plan, const Tensor& x, const Tensor& g);
Tensor input_grad(const ConvPlan& plan, const Tensor& g, const Tensor& w, const Tensor& bias);

Array or_null(const Tensor& t) { return t.defined() ? t.array() : Array{}; }

// Each is linear in both operands: the gradients of each are the other two.
Tensor forward(const ConvPlan& plan, const Tensor& x0, const Tensor& w0, const Tensor& bias0) {
  const Tensor x = contiguous(x0), w = contiguous(w0);
  const Tensor bias = bias0.defined() ? contiguous(bias0) : bias0;
  Tensor y = empty({plan.batch, plan.groups * plan.out, plan.result[0], plan.result[1]}, x.dtype());
  run_conv(plan, x.array(), w.array(), or_null(bias), y.array());
  return record("conv", y, {&x, &w, &bias}, {&x, &w}, [plan](const Backward& b) -> Grads {
    const Tensor g = b.grad();
    return {b.needs(0) ? input_grad(plan, g, b.saved(1), {}) : Tensor(),
            b.needs(1) ? weight_grad(plan, b.saved(0), g) : Tensor(),
            b.needs(2) ? bias_grad(g) : Tensor()};
  });
}

Tensor input_grad(const ConvPlan& plan, const Tensor& g0, const Tensor& w0, const Tensor& bias0) {
  const Tensor g = contiguous(g0), w = contiguous(w0);
  const Tensor bias = bias0.defined() ? contiguous(bias0) : bias0;
  Tensor dx = empty({plan.batch, plan.groups * plan.in, plan.size[0], plan.size[1]}, g.dtype());
  run_conv_input_grad(plan, g.array(), w.array(), or_null(bias), dx.array());
  return record("conv_transpose", dx, {&g, &w, &bias}, {&g, &w},
                [plan](const Backward& b) -> Grads {
                  const Tensor h = b.grad();
                  return {b.needs(0) ? forward(plan, h, b.saved(1), {}) : Tensor(),
                          b.needs(1) ? weight_grad(plan, h, b.saved(0)) : Tensor(),
                          b.needs(2) ? bias_grad(h) : Tensor()};
                });
}

Tensor weight_grad(const ConvPlan& plan, const Tensor& x0, const Tensor& g0) {
  const Tensor x = contiguous(x0), g = contiguous(g0);
  Tensor dw = empty({plan.groups * plan.out, plan.in, plan.kernel[0], plan.kernel[1]}, x.dtype());
  run_conv_weight_grad(plan, x.array(), g.array(), dw.array());
  return record("conv_weight_grad", dw, {&x, &g}, {&x, &g}, [plan](const Backward& b) -> Grads {
    const Tensor h = b.grad();
    return {b.needs(0) ? input_grad(plan, b.saved(1), h, {}) : Tensor(),
            b.needs(1) ? forward(plan, b.saved(0), h, {}) : Tensor()};
  });
}

// ---------------------------------------------------------------------------- checks

// What a call was given, for its messages.
struct Call {
  const char* op;
  const Tensor& x;
  const Tensor& weight;
  int dims;

  template <class... Args>
  [[noreturn]] void refuse(const Args&... why) const {
    throw ShapeError("[", op, "] input ", x.shape(), ", weight ", weight.shape(), ": ", why...);
  }
};

constexpr int64_t kMaxOption = std::numeric_limits<int32_t>::max();

// One number for each dimension, heights before widths; height 1 of a signal gets `unused`.
void fill_pair(const Call& call, const char* name, const Shape& given, int64_t least,
               int64_t unused, int64_t (&out)[2]) {
  if (given.ndim() != 1 && given.ndim() != call.dims) {
    throw ValueError("[", call.op, "] ", name, "=", given, ": must be one integer or ", call.dims);
  }
  out[0] = unused;
  for (int d = 0; d < call.dims; ++d) {
    const int64_t value = given[given.ndim() == 1 ? 0 : d];
    if (value < least || value > kMaxOption) {
      throw ValueError("[", call.op, "] ", name, "=", value, ": must be at least ", least,
                       value > 0 ? " and fit 32 bits" : "");
    }
    out[2 - call.dims + d] = value;
  }
}

// Sizes of x, of the kernel, channels and groups of the plan; `transposed`: weight is (C, O / g,
// *).
void check_shapes(const Call& call, const ConvOptions& options, bool transposed) {
  const int dims = call.dims;
  const Tensor &x = call.x, &w = call.weight;
  if (w.ndim() != dims + 2) {
    call.refuse("the weight must have ", dims + 2, " dimensions, ",
                transposed ? "(in, out / groups, kernel...)" : "(out, in / groups, kernel...)");
  }
  if (x.ndim() != dims + 2 && x.ndim() != dims + 1) {
    call.refuse("the input must be (batch, channels, ", dims == 1 ? "length" : "height, width",
                ") or the same without batch");
  }
  const int64_t groups = options.groups;
  if (groups < 1) throw ValueError("[", call.op, "] groups=", groups, ": must be positive");
  if (w.size(0) % groups != 0) {
    call.refuse(w.size(0), transposed ? " input" : " output", " channels cannot be divided into ",
                groups, " groups");
  }
  const int64_t channels = x.size(x.ndim() - dims - 1);
  const int64_t wanted = transposed ? w.size(0) : w.size(1) * groups;
  if (channels != wanted) {
    call.refuse("the weight takes ", wanted, " input channels (groups=", groups,
                "), the input has ", channels);
  }
  for (int d = 0; d < dims; ++d) {
    if (w.size(2 + d) < 1) call.refuse("the kernel has no element");
    if (x.size(x.ndim() - dims + d) < 1) call.refuse("the input has no pixel");
  }
}

void check_bias(const Call& call, const Tensor& bias, int64_t channels) {
  if (bias.defined() && bias.shape() != Shape{channels}) {
    call.refuse("bias ", bias.shape(), " must have one number per output channel, (", channels,
                ",)");
  }
}

// d (k - 1) + 1, the pixels that a kernel spans.
int64_t extent(const Call& call, int64_t kernel, int64_t dilation) {
  int64_t out = 0;
  if (__builtin_mul_overflow(kernel - 1, dilation, &out) || out > (int64_t{1} << 60)) {
    call.refuse("kernel size ", kernel, " with dilation ", dilation, " does not fit");
  }
  return out + 1;
}

ConvPlan start_plan(const Call& call, const ConvOptions& options, bool transposed) {
  check_shapes(call, options, transposed);
  ConvPlan plan{};
  const Tensor &x = call.x, &w = call.weight;
  plan.batch = x.ndim() == call.dims + 2 ? x.size(0) : 1;
  plan.groups = options.groups;
  plan.out = w.size(0) / options.groups;
  plan.in = w.size(1);
  fill_pair(call, "stride", options.stride, 1, 1, plan.stride);
  fill_pair(call, "dilation", options.dilation, 1, 1, plan.dilation);
  fill_pair(call, "padding", options.padding, 0, 0, plan.padding);
  plan.kernel[0] = plan.size[0] = 1;
  for (int d = 0; d < call.dims; ++d) {
    plan.kernel[2 - call.dims + d] = w.size(2 + d);
    plan.size[2 - call.dims + d] = x.size(x.ndim() - call.dims + d);
  }
  return plan;
}

ConvPlan forward_plan(const Call& call, const ConvOptions& options) {
  ConvPlan plan = start_plan(call, options, false);
  for (int d = 0; d < 2; ++d) {
    const int64_t span = extent(call, plan.kernel[d], plan.dilation[d]);
    if (options.same) {
      if (plan.stride[d] != 1) {
        throw ValueError("[", call.op, "] padding='same' keeps the size: stride must be 1, got ",
                         plan.stride[d]);
      }
      plan.padding[d] = (span - 1) / 2;
      plan.result[d] = plan.size[d];
      continue;
    }
    const int64_t padded = plan.size[d] + 2 * plan.padding[d];
    if (span > padded) {
      call.refuse("kernel size ", plan.kernel[d], " with dilation ", plan.dilation[d], " spans ",
                  span, " pixels, more than the padded input has (", padded,
                  "); use a smaller kernel or more padding");
    }
    plan.result[d] = (padded - span) / plan.stride[d] + 1;
  }
  return plan;
}

// The convolution whose input gradient the transposed convolution is: its x is the output.
ConvPlan transposed_plan(const Call& call, const ConvOptions& options) {
  ConvPlan plan = start_plan(call, options, true);
  int64_t extra[2];
  fill_pair(call, "output_padding", options.output_padding, 0, 0, extra);
  for (int d = 0; d < 2; ++d) {
    if (extra[d] > 0 && extra[d] >= std::max(plan.stride[d], plan.dilation[d])) {
      throw ValueError("[", call.op, "] output_padding=", extra[d],
                       ": must be smaller than stride (", plan.stride[d], ") or dilation (",
                       plan.dilation[d], ")");
    }
    plan.result[d] = plan.size[d];
    const int64_t span = extent(call, plan.kernel[d], plan.dilation[d]);
    int64_t size = 0;
    if (__builtin_mul_overflow(plan.result[d] - 1, plan.stride[d], &size) ||
        __builtin_add_overflow(size, span + extra[d] - 2 * plan.padding[d], &size)) {
      call.refuse("the size of the result does not fit");
    }
    if (size < 1) {
      call.refuse("padding ", plan.padding[d], " leaves a result of size ", size,
                  "; it must be at least 1");
    }
    plan.size[d] = size;
  }
  return plan;
}

// ---------------------------------------------------------------------------- the ops

using Product = Tensor (*)(const ConvPlan&, const Tensor&, const Tensor&, const Tensor&);

// Signals are images of height 1, a single sample is a batch of one.
Tensor run(const Call& call, const ConvPlan& plan, Product product, const Tensor& bias0) {
  Dtype dtype = promote(call.x.dtype(), call.weight.dtype());
  if (bias0.defined()) dtype = promote(dtype, bias0.dtype());
  if (!is_floating(dtype)) {
    throw DtypeError("[", call.op, "] needs float32 or float64, got ", call.x.dtype(), " and ",
                     call.weight.dtype(), "; convert with float()");
  }
  const bool batched = call.x.ndim() == call.dims + 2, flat = call.dims == 1;
  Tensor x = to(call.x, dtype), w = to(call.weight, dtype);
  const Tensor bias = bias0.defined() ? to(bias0, dtype) : bias0;
  if (!batched) x = unsqueeze(x, 0);
  if (flat) {
    x = unsqueeze(x, 2);
    w = unsqueeze(w, 2);
  }
  Tensor y = product(plan, x, w, bias);
  if (flat) y = squeeze(y, {2});
  return batched ? y : squeeze(y, {0});
}

Tensor convolve(const Call& call, const Tensor& bias, const ConvOptions& options) {
  const ConvPlan plan = forward_plan(call, options);
  check_bias(call, bias, plan.out * plan.groups);
  return run(call, plan, forward, bias);
}

Tensor convolve_transposed(const Call& call, const Tensor& bias, const ConvOptions& options) {
  const ConvPlan plan = transposed_plan(call, options);
  check_bias(call, bias, plan.in * plan.groups);
  return run(call, plan, input_grad, bias);
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options) {
  return convolve({"conv1d", x, weight, 1}, bias, options);
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options) {
  return convolve({"conv2d", x, weight, 2}, bias, options);
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvOptions& options) {
  return convolve_transposed({"conv_transpose1d", x, weight, 1}, bias, options);
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvOptions& options) {
  return convolve_transposed({"conv_transpose2d", x, weight, 2}, bias, options);
}

}  // namespace sf
