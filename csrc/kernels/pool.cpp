#include "kernels/pool.h"

#include <algorithm>

#include "base/rounding.h"
#include "kernels/dispatch.h"
#include "kernels/launch.h"
#include "kernels/planes.h"

namespace sf {

WindowAxis::WindowAxis(int64_t in_size, int64_t out_size, int64_t kernel_size, int64_t step,
                       int64_t padding, int64_t apart)
    : in(in_size), out(out_size), kernel(kernel_size), stride(step), dilation(apart), lo(0), hi(0) {
  for (int64_t i = 0; i < out; ++i) {
    const int64_t start = i * stride - padding;
    const int64_t skipped = start < 0 ? ceil_div(-start, dilation) : 0;
    const int64_t begin = start + skipped * dilation;
    const int64_t fitting = begin < in ? (in - 1 - begin) / dilation + 1 : 0;
    const int64_t taps = std::clamp<int64_t>(kernel - skipped, 0, fitting);
    first.push_back(taps ? static_cast<int32_t>(begin) : 0);
    count.push_back(static_cast<int32_t>(taps));
    if (taps < kernel) continue;
    if (hi == 0) lo = i;
    hi = i + 1;
  }
}

WindowAxis WindowAxis::adaptive(int64_t in, int64_t out) {
  if (in % out == 0) return {in, out, in / out, in / out, 0, 1};
  WindowAxis axis(in, out, 1, 1, 0, 1);
  axis.lo = axis.hi = 0;
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    axis.first[static_cast<size_t>(i)] = static_cast<int32_t>(begin);
    axis.count[static_cast<size_t>(i)] = static_cast<int32_t>(end - begin);
  }
  return axis;
}

bool WindowAxis::tiles(int64_t size) const {
  return kernel == size && stride == size && dilation == 1 && lo == 0 && hi == out && first[0] == 0;
}

void run_max_pool(const MaxPlanRef& plan, const Array& x, const Array& y, const Array& at) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("max_pool", [plan, x, y, at] {
      const MaxMap map = plan->map();
      const int64_t in = plan->in(), out = plan->out();
      for_planes(y.numel() / out, in + out, [&](int64_t p) {
        int32_t* places = at.data ? at.as<int32_t>() + p * out : nullptr;
        kernels<T>().pool.max_plane(map, x.as<T>() + p * in, y.as<T>() + p * out, places);
      });
    });
  });
}

void run_place(const MaxPlanRef& plan, const Array& g, const Array& at, const Array& dx) {
  const bool tiled = plan->h.tiles(2) && plan->w.tiles(2);
  dispatch_floating(g.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("max_pool_place", [plan, g, at, dx, tiled] {
      const MaxMap map = plan->map();
      const int64_t in = plan->in(), out = plan->out();
      for_planes(g.numel() / out, in + out, [&](int64_t p) {
        const T* from = g.as<T>() + p * out;
        const auto* places = at.as<int32_t>() + p * out;
        T* to = dx.as<T>() + p * in;
        if (tiled) return kernels<T>().pool.place_2x2(map, from, places, to);
        std::fill_n(to, in, T(0));
        for (int64_t i = 0; i < out; ++i) {
          if (places[i] >= 0) to[places[i]] += from[i];
        }
      });
    });
  });
}

void run_pick(const MaxPlanRef& plan, const Array& x, const Array& at, const Array& y) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("max_pool_pick", [plan, x, at, y] {
      const int64_t in = plan->in(), out = plan->out();
      for_planes(y.numel() / out, in + out, [&](int64_t p) {
        const T* from = x.as<T>() + p * in;
        const auto* places = at.as<int32_t>() + p * out;
        T* to = y.as<T>() + p * out;
        for (int64_t i = 0; i < out; ++i) to[i] = places[i] >= 0 ? from[places[i]] : T(0);
      });
    });
  });
}

}  // namespace sf
