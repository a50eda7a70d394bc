#include "ops/unfold.h"

#include "autograd/record.h"
#include "kernels/unfold.h"
#include "ops/convert.h"
#include "ops/window.h"
#include "tensor/create.h"

namespace sf {
namespace {

UnfoldPlan plan_of(const char* op, const Shape& x, const Shape& image, int64_t channels,
                   const Blocks& blocks) {
  const Shape kernel = per_dim(op, "kernel_size", blocks.kernel, 2, 1);
  const Shape dilation = per_dim(op, "dilation", blocks.dilation, 2, 1);
  const Shape padding = per_dim(op, "padding", blocks.padding, 2, 0);
  const Shape stride = per_dim(op, "stride", blocks.stride, 2, 1);
  const auto axis = [&](int d) -> UnfoldAxis {
    const Steps steps{kernel[d], stride[d], padding[d], dilation[d], false};
    const int64_t out = windows_in(op, x, image[d], steps);
    return {image[d], out, kernel[d], stride[d], padding[d], dilation[d]};
  };
  const UnfoldPlan plan{axis(0), axis(1)};
  checked_bytes(op, {channels, kernel[0], kernel[1], plan.h.out, plan.w.out},
                size_of(Dtype::kFloat64));
  return plan;
}

Tensor folded(const Tensor& x0, const UnfoldPlan& plan, const Shape& out);

Tensor unfolded(const Tensor& x0, const UnfoldPlan& plan, const Shape& out) {
  const Tensor x = contiguous(x0);
  const Tensor y = empty(out, x.dtype());
  run_unfold(plan, x.array(), y.array());
  return record("unfold", y, {&x}, {}, [plan, from = x.shape()](const Backward& b) -> Grads {
    return {folded(b.grad(), plan, from)};
  });
}

Tensor folded(const Tensor& x0, const UnfoldPlan& plan, const Shape& out) {
  const Tensor x = contiguous(x0);
  const Tensor y = empty(out, x.dtype());
  run_fold(plan, x.array(), y.array());
  return record("fold", y, {&x}, {}, [plan, from = x.shape()](const Backward& b) -> Grads {
    return {unfolded(b.grad(), plan, from)};
  });
}

// Taps and windows of (..., C, H, W) as (..., C taps, windows).
int64_t taps_of(const UnfoldPlan& plan) { return plan.h.kernel * plan.w.kernel; }
int64_t windows_of(const UnfoldPlan& plan) { return plan.h.out * plan.w.out; }

}  // namespace

Tensor unfold(const Tensor& x, const Blocks& blocks) {
  check_planes("unfold", 2, x);
  const int lead = x.ndim() - 3;
  const Shape image{x.size(lead + 1), x.size(lead + 2)};
  const UnfoldPlan plan = plan_of("unfold", x.shape(), image, x.size(lead), blocks);
  Shape out{x.size(lead) * taps_of(plan), windows_of(plan)};
  if (lead) out.insert(0, x.size(0));
  return unfolded(x, plan, out);
}

Tensor fold(const Tensor& x, const Shape& output_size, const Blocks& blocks) {
  if (!is_floating(x.dtype())) {
    throw DtypeError("[fold] needs float32 or float64, got ", x.dtype(), "; write x.float()");
  }
  if (x.ndim() != 2 && x.ndim() != 3) {
    throw ShapeError("[fold] needs (N, C * taps, windows) or (C * taps, windows), got ", x.shape());
  }
  const Shape size = per_dim("fold", "output_size", output_size, 2, 1);
  const UnfoldPlan plan = plan_of("fold", size, size, 1, blocks);
  const int lead = x.ndim() - 2;
  const int64_t taps = taps_of(plan), windows = windows_of(plan);
  if (x.size(lead) % taps != 0) {
    throw ShapeError("[fold] input ", x.shape(), ": ", x.size(lead), " rows are no multiple of ",
                     plan.h.kernel, " * ", plan.w.kernel, " = ", taps, " taps of a window");
  }
  if (x.size(lead + 1) != windows) {
    throw ShapeError("[fold] input ", x.shape(), ": ", x.size(lead + 1), " columns, but an image ",
                     size, " has ", plan.h.out, " * ", plan.w.out, " = ", windows, " windows");
  }
  Shape out{x.size(lead) / taps, size[0], size[1]};
  if (lead) out.insert(0, x.size(0));
  return folded(x, plan, out);
}

}  // namespace sf
