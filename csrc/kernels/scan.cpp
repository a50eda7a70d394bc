// Reductions that walk one dimension element by element: positions of extremes, running sums.
#include <type_traits>

#include "kernels/dispatch.h"
#include "kernels/launch.h"
#include "kernels/lines.h"
#include "kernels/reduce.h"

namespace sf {
namespace {

template <bool largest, class T>
int64_t position(const T* x, int64_t step, int64_t n) {
  int64_t best = 0;
  T value = x[0];
  for (int64_t i = 0; i < n; ++i) {
    const T candidate = x[i * step];
    if (candidate != candidate) return i;
    if (largest ? candidate > value : candidate < value) {
      value = candidate;
      best = i;
    }
  }
  return best;
}

// Contiguous floats: the extreme by vector code, then its first place.
template <class T>
int64_t float_position(Reduce op, const T* x, int64_t n) {
  const auto kernel =
      kernels<T>().reduce.rows[static_cast<int>(op == Reduce::argmax ? Reduce::max : Reduce::min)];
  int64_t best = 0;
  T value = kernel(x, std::min(n, kReduceChunk));
  for (int64_t i = kReduceChunk; i < n && value == value; i += kReduceChunk) {
    const T other = kernel(x + i, std::min(n - i, kReduceChunk));
    if (!(op == Reduce::argmax ? other <= value : other >= value)) value = other, best = i;
  }
  while (value == value ? x[best] != value : x[best] == x[best]) ++best;
  return best;
}

// Floats are summed in double precision, integers wrap around.
template <class T>
void running_sum(const T* x, int64_t x_step, T* y, int64_t y_step, int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      sum += x[i * x_step];
      y[i * y_step] = static_cast<T>(sum);
    }
  } else {
    uint64_t sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      sum += static_cast<uint64_t>(x[i * x_step]);
      y[i * y_step] = static_cast<T>(sum);
    }
  }
}

}  // namespace

void run_arg_reduce(Reduce op, const Array& x, const Array& y, int dim) {
  const Array first = narrowed(x, dim);
  const Loop loop = make_loop({&y, &first});
  const int64_t n = x.shape[dim], step = x.strides[dim];
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("arg_reduce", [loop, n, step, op] {
      for_lines(loop, n, [&](char* const* at) {
        const T* from = reinterpret_cast<const T*>(at[1]);
        int64_t& to = *reinterpret_cast<int64_t*>(at[0]);
        if constexpr (std::is_floating_point_v<T>) {
          if (step == 1) {
            to = float_position(op, from, n);
            return;
          }
        }
        to = op == Reduce::argmax ? position<true>(from, step, n) : position<false>(from, step, n);
      });
    });
  });
}

void run_cumsum(const Array& x, const Array& y, int dim, bool reverse) {
  const int64_t n = x.shape[dim];
  if (y.numel() == 0) return;
  const int64_t x_step = reverse ? -x.strides[dim] : x.strides[dim];
  const int64_t y_step = reverse ? -y.strides[dim] : y.strides[dim];
  const int64_t x_start = reverse ? (n - 1) * x.strides[dim] : 0;
  const int64_t y_start = reverse ? (n - 1) * y.strides[dim] : 0;
  const Array x_first = narrowed(x, dim), y_first = narrowed(y, dim);
  const Loop loop = make_loop({&y_first, &x_first});
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("cumsum", [=] {
      for_lines(loop, n, [&](char* const* at) {
        running_sum(reinterpret_cast<const T*>(at[1]) + x_start, x_step,
                    reinterpret_cast<T*>(at[0]) + y_start, y_step, n);
      });
    });
  });
}

}  // namespace sf
