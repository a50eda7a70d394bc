#include "kernels/conv.h"

#include <algorithm>

#include "base/parallel.h"
#include "kernels/conv_parts.h"
#include "kernels/gemm.h"
#include "kernels/gemm_product.h"
#include "kernels/launch.h"

namespace sf {
namespace {

// Where the taps of one dimension of the kernel read, for a result in the grid.
struct AxisTap {
  int64_t at, weight;
};

// A single row of taps without padding reads every stride-th row only.
template <class T>
void skip_unread(Correlation<T>& c, const ConvPlan& p) {
  if (p.kernel[0] == 1 && p.padding[0] == 0 && c.step_y > 1) {
    c.from_row *= c.step_y;
    c.h = p.result[0];
    c.step_y = 1;
  }
  if (p.kernel[1] == 1 && p.padding[1] == 0 && c.step_x > 1) {
    c.from_col *= c.step_x;
    c.w = p.result[1];
    c.step_x = 1;
  }
}

// One product of matrices for each image and group, on the pixels as they lie.
bool is_pointwise(const ConvPlan& p) {
  for (int d = 0; d < 2; ++d) {
    if (p.kernel[d] != 1 || p.stride[d] != 1 || p.padding[d] != 0) return false;
    if (p.result[d] != p.size[d]) return false;
  }
  return true;
}

// Every pixel of a channel of `to` gets the bias of that channel, 0 if there is none.
void fill_channels(const Array& to, const Array& bias) {
  dispatch_floating(to.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("conv_bias", [c = to.as<T>(), b = bias.as<const T>(), n = to.shape[0] * to.shape[1],
                         channels = to.shape[1], pixels = to.shape[2] * to.shape[3]] {
      const Chunks chunks{n, std::max<int64_t>(1, 65536 / pixels)};
      parallel_for(chunks.count(), [&](int64_t chunk) {
        for (int64_t i = chunks.begin(chunk); i < chunks.end(chunk); ++i) {
          std::fill_n(c + i * pixels, pixels, b ? b[i % channels] : T(0));
        }
      });
    });
  });
}

// to (batch, groups rows, pixels) = w (groups, rows, cols) from (batch, groups cols, pixels) +
// bias; `weights`: strides of w.
void multiply_pointwise(const ConvPlan& p, int64_t rows, int64_t cols, const Array& from,
                        const Array& w, const Strides& weights, const Array& bias,
                        const Array& to) {
  const int64_t pixels = p.pixels();
  const auto at = [](const Array& array, int64_t offset) {
    return static_cast<char*>(array.data) + offset * size_of(array.dtype);
  };
  if (bias.data) fill_channels(to, bias);
  for (int64_t g = 0; g < p.groups; ++g) {
    const Array a{at(w, g * rows * cols), {p.batch, rows, cols}, weights, w.dtype};
    const Array b{at(from, g * cols * pixels),
                  {p.batch, cols, pixels},
                  {p.groups * cols * pixels, pixels, 1},
                  w.dtype};
    const Array c{at(to, g * rows * pixels),
                  {p.batch, rows, pixels},
                  {p.groups * rows * pixels, pixels, 1},
                  w.dtype};
    gemm_batched(a, b, c, bias.data ? 1 : 0);
  }
}

// The taps that reach an x at `phase` modulo the stride, from its result j on: y = j + at.
std::vector<AxisTap> taps_of_phase(const ConvPlan& p, int axis, int64_t phase) {
  std::vector<AxisTap> out;
  const int64_t stride = p.stride[axis];
  for (int64_t u = p.kernel[axis] - 1; u >= 0; --u) {
    const int64_t at = phase + p.padding[axis] - u * p.dilation[axis];
    if (at % stride == 0) out.push_back({at / stride, u});
  }
  return out;
}

template <class T>
Correlation<T> input_grad_of(const ConvPlan& p, const T* g, const T* w, const T* bias, T* dx) {
  const int64_t width = p.size[1], numel = p.size[0] * width;
  Correlation<T> c{.batch = p.batch,
                   .groups = p.groups,
                   .channels = p.out,
                   .outs = p.in,
                   .from = g,
                   .h = p.result[0],
                   .w = p.result[1],
                   .from_row = p.result[1],
                   .from_col = 1,
                   .from_channel = p.pixels(),
                   .from_batch = p.groups * p.out * p.pixels(),
                   .to = dx,
                   .to_row = width * p.stride[0],
                   .to_col = p.stride[1],
                   .to_channel = numel,
                   .to_batch = p.groups * p.in * numel,
                   .weight = w,
                   .w_group = p.out * p.in * p.taps(),
                   .w_out = p.taps(),
                   .w_in = p.in * p.taps(),
                   .bias = bias,
                   .step_y = 1,
                   .step_x = 1,
                   .grids = {}};
  for (int64_t y = 0; y < std::min(p.stride[0], p.size[0]); ++y) {
    const auto rows = taps_of_phase(p, 0, y);
    for (int64_t x = 0; x < std::min(p.stride[1], width); ++x) {
      Grid grid{ceil_div(p.size[0] - y, p.stride[0]),
                ceil_div(width - x, p.stride[1]),
                y * width + x,
                {}};
      const auto cols = taps_of_phase(p, 1, x);
      for (const AxisTap& u : rows) {
        for (const AxisTap& v : cols) {
          grid.taps.push_back({u.at, v.at, u.weight * p.kernel[1] + v.weight});
        }
      }
      if (!grid.taps.empty()) c.grids.push_back(std::move(grid));
    }
  }
  return c;
}

}  // namespace

template <class T>
Correlation<T> conv_forward(const ConvPlan& p, const T* x, const T* w, const T* bias, T* y) {
  const int64_t h = p.size[0], width = p.size[1];
  Correlation<T> c{.batch = p.batch,
                   .groups = p.groups,
                   .channels = p.in,
                   .outs = p.out,
                   .from = x,
                   .h = h,
                   .w = width,
                   .from_row = width,
                   .from_col = 1,
                   .from_channel = h * width,
                   .from_batch = p.groups * p.in * h * width,
                   .to = y,
                   .to_row = p.result[1],
                   .to_col = 1,
                   .to_channel = p.pixels(),
                   .to_batch = p.groups * p.out * p.pixels(),
                   .weight = w,
                   .w_group = p.out * p.in * p.taps(),
                   .w_out = p.in * p.taps(),
                   .w_in = p.taps(),
                   .bias = bias,
                   .step_y = p.stride[0],
                   .step_x = p.stride[1],
                   .grids = {}};
  Grid grid{p.result[0], p.result[1], 0, {}};
  for (int64_t u = 0; u < p.kernel[0]; ++u) {
    for (int64_t v = 0; v < p.kernel[1]; ++v) {
      grid.taps.push_back({u * p.dilation[0] - p.padding[0], v * p.dilation[1] - p.padding[1],
                           u * p.kernel[1] + v});
    }
  }
  c.grids.push_back(std::move(grid));
  skip_unread(c, p);
  return c;
}

template Correlation<float> conv_forward(const ConvPlan&, const float*, const float*, const float*,
                                         float*);
template Correlation<double> conv_forward(const ConvPlan&, const double*, const double*,
                                          const double*, double*);

void run_conv(const ConvPlan& plan, const Array& x, const Array& w, const Array& bias,
              const Array& y) {
  if (y.numel() == 0) return;
  if (is_pointwise(plan)) {
    return multiply_pointwise(plan, plan.out, plan.in, x, w, {0, plan.in, 1}, bias, y);
  }
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto c = conv_forward<T>(plan, x.as<T>(), w.as<T>(), bias.as<T>(), y.as<T>());
    launch("conv", [c] { correlate(c); });
  });
}

void run_conv_input_grad(const ConvPlan& plan, const Array& g, const Array& w, const Array& bias,
                         const Array& dx) {
  if (dx.numel() == 0) return;
  if (is_pointwise(plan)) {
    return multiply_pointwise(plan, plan.in, plan.out, g, w, {0, 1, plan.in}, bias, dx);
  }
  dispatch_floating(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto c = input_grad_of<T>(plan, g.as<T>(), w.as<T>(), bias.as<T>(), dx.as<T>());
    const int64_t phases =
        std::min(plan.stride[0], plan.size[0]) * std::min(plan.stride[1], plan.size[1]);
    if (static_cast<int64_t>(c.grids.size()) < phases) fill_channels(dx, bias);  // some reach no y
    if (c.grids.empty()) return;
    launch("conv_input_grad", [c] { correlate(c); });
  });
}

void run_conv_weight_grad(const ConvPlan& plan, const Array& x, const Array& g, const Array& dw) {
  if (dw.numel() == 0) return;
  dispatch_floating(dw.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("conv_weight_grad", [plan, from = x.as<const T>(), grad = g.as<const T>(),
                                to = dw.as<T>()] { conv_weight_grad<T>(plan, from, grad, to); });
  });
}

}  // namespace sf
