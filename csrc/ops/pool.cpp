#include "ops/pool.h"

#include <algorithm>

#include "autograd/record.h"
#include "kernels/pool.h"
#include "ops/convert.h"
#include "ops/reduce.h"
#include "ops/resample.h"
#include "ops/window.h"
#include "tensor/create.h"

namespace sf {
namespace {

// ---------------------------------------------------------------------------------------- windows

struct Sizes {
  Shape kernel, stride, padding, dilation, out;
};

Sizes sizes_of(const char* op, int dims, const Tensor& x, const Window& window) {
  check_planes(op, dims, x);
  Sizes s;
  s.kernel = per_dim(op, "kernel_size", window.kernel, dims, 1);
  s.stride = window.stride ? per_dim(op, "stride", *window.stride, dims, 1) : s.kernel;
  s.padding = per_dim(op, "padding", window.padding, dims, 0);
  s.dilation = per_dim(op, "dilation", window.dilation, dims, 1);
  for (int d = 0; d < dims; ++d) {
    if (s.padding[d] > s.kernel[d] / 2) {
      throw ValueError("[", op, "] padding=", s.padding[d], " for kernel_size=", s.kernel[d],
                       ": must be at most half the kernel, ", s.kernel[d] / 2);
    }
    const Steps steps{s.kernel[d], s.stride[d], s.padding[d], s.dilation[d], window.ceil_mode};
    s.out.push_back(windows_in(op, x.shape(), x.size(x.ndim() - dims + d), steps));
  }
  return s;
}

Shape plane_of(const Tensor& x, int dims) {
  Shape plane = Shape::filled(2, 1);
  for (int d = 0; d < dims; ++d) plane[2 - dims + d] = x.size(x.ndim() - dims + d);
  return plane;
}

// -------------------------------------------------------------------------------------------- max

Tensor picked(const Tensor& x, const Tensor& at, const MaxPlanRef& plan);

// g at the places that were the largest, of shape `from`.
Tensor placed(const Tensor& g0, const Tensor& at, const MaxPlanRef& plan, const Shape& from) {
  const Tensor g = contiguous(g0);
  const Tensor dx = empty(from, g.dtype());
  run_place(plan, g.array(), at.array(), dx.array());
  return record("max_pool_backward", dx, {&g}, {&at}, [plan](const Backward& b) -> Grads {
    return {picked(b.grad(), b.saved(0), plan)};
  });
}

Tensor picked(const Tensor& x0, const Tensor& at, const MaxPlanRef& plan) {
  const Tensor x = contiguous(x0);
  const Tensor y = empty(at.shape(), x.dtype());
  run_pick(plan, x.array(), at.array(), y.array());
  return record("max_pool_pick", y, {&x}, {&at},
                [plan, from = x.shape()](const Backward& b) -> Grads {
                  return {placed(b.grad(), b.saved(0), plan, from)};
                });
}

Pooled max_pooled(const char* op, const Tensor& x0, const MaxPlan& windows, const Shape& out,
                  bool with_indices) {
  const Tensor x = contiguous(x0);
  const auto plan = std::make_shared<const MaxPlan>(windows);
  const Shape shape = with_last(x.shape(), out);
  const Tensor y = empty(shape, x.dtype());
  const Tensor* inputs[] = {&x};
  const bool places = with_indices || should_record(op, inputs);
  const Tensor at = places ? empty(shape, Dtype::kInt32) : Tensor();
  run_max_pool(plan, x.array(), y.array(), places ? at.array() : Array{});
  const auto formula = [plan, from = x.shape()](const Backward& b) -> Grads {
    return {b.flat(placed(b.grad(), b.saved(0), plan, from))};
  };
  return {record(op, y, {&x}, {places ? &at : nullptr}, formula),
          with_indices ? copy_as(at, Dtype::kInt64) : Tensor()};
}

WindowAxis window_axis(const Sizes& s, int d, int64_t in) {
  return {in, s.out[d], s.kernel[d], s.stride[d], s.padding[d], s.dilation[d]};
}

// ------------------------------------------------------------------------------------------- mean

// The windows of a mean along one axis, and what each is divided by.
struct Means {
  Taps taps;
  std::vector<double> divisors;
  explicit Means(int64_t in) : taps(in) {}
  void add(int64_t begin, int64_t end, double divisor) {
    for (int64_t i = begin; i < end; ++i) taps.add(i);
    taps.next();
    divisors.push_back(divisor);
  }
};

// Of the one row of a plane that has one dimension less.
Means single() {
  Means out(1);
  out.add(0, 1, 1);
  return out;
}

Means means_of(const Sizes& s, int d, int64_t in, bool count_include_pad) {
  Means out(in);
  for (int64_t i = 0; i < s.out[d]; ++i) {
    const int64_t start = i * s.stride[d] - s.padding[d];
    const int64_t stop = std::min(start + s.kernel[d], in + s.padding[d]);
    const int64_t begin = std::max<int64_t>(start, 0), end = std::min(stop, in);
    out.add(begin, end, static_cast<double>(count_include_pad ? stop - start : end - begin));
  }
  return out;
}

Means adaptive_means(int64_t in, int64_t out) {
  Means means(in);
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    means.add(begin, end, static_cast<double>(end - begin));
  }
  return means;
}

Tensor mean_pooled(const char* op, const Tensor& x, const Means& h, const Means& w,
                   const Shape& out) {
  return resample(op, x, {h.taps, w.taps, h.divisors, w.divisors}, with_last(x.shape(), out));
}

Shape adaptive_size(const char* op, int dims, const Tensor& x, const Shape& size) {
  check_planes(op, dims, x);
  const Shape out = per_dim(op, "output_size", size, dims, 1);
  check_room(op, with_last(x.shape(), out), x.dtype());
  return out;
}

}  // namespace

Pooled max_pool(int dims, const Tensor& x, const Window& window, bool with_indices) {
  const char* op = dims == 1 ? "max_pool1d" : "max_pool2d";
  const Sizes s = sizes_of(op, dims, x, window);
  const Shape plane = plane_of(x, dims);
  const WindowAxis one(1, 1, 1, 1, 0, 1);
  const MaxPlan plan{dims == 1 ? one : window_axis(s, 0, plane[0]),
                     window_axis(s, dims - 1, plane[1])};
  return max_pooled(op, x, plan, s.out, with_indices);
}

Pooled adaptive_max_pool(int dims, const Tensor& x, const Shape& given, bool with_indices) {
  const char* op = dims == 1 ? "adaptive_max_pool1d" : "adaptive_max_pool2d";
  const Shape size = adaptive_size(op, dims, x, given);
  const Shape plane = plane_of(x, dims);
  const MaxPlan plan{WindowAxis::adaptive(plane[0], dims == 1 ? 1 : size[0]),
                     WindowAxis::adaptive(plane[1], size.back())};
  return max_pooled(op, x, plan, size, with_indices);
}

Tensor avg_pool(int dims, const Tensor& x, const Window& window, bool count_include_pad,
                std::optional<int64_t> divisor) {
  const char* op = dims == 1 ? "avg_pool1d" : "avg_pool2d";
  const Sizes s = sizes_of(op, dims, x, window);
  const Shape plane = plane_of(x, dims);
  Means h = dims == 1 ? single() : means_of(s, 0, plane[0], count_include_pad);
  Means w = means_of(s, dims - 1, plane[1], count_include_pad);
  if (divisor) {
    if (*divisor == 0) throw ValueError("[", op, "] divisor_override must not be 0");
    std::ranges::fill(h.divisors, static_cast<double>(*divisor));
    std::ranges::fill(w.divisors, 1.0);
  }
  return mean_pooled(op, x, h, w, s.out);
}

Tensor adaptive_avg_pool(int dims, const Tensor& x, const Shape& given) {
  const char* op = dims == 1 ? "adaptive_avg_pool1d" : "adaptive_avg_pool2d";
  const Shape size = adaptive_size(op, dims, x, given);
  if (size.numel() == 1) return mean(x, dims == 1 ? Shape{-1} : Shape{-2, -1}, true);
  const Shape plane = plane_of(x, dims);
  const Means h = dims == 1 ? single() : adaptive_means(plane[0], size[0]);
  return mean_pooled(op, x, h, adaptive_means(plane[1], size.back()), size);
}

}  // namespace sf
