#include "kernels/softmax.h"

#include <memory>

#include "kernels/copy.h"
#include "kernels/dispatch.h"
#include "kernels/launch.h"
#include "kernels/lines.h"

namespace sf {
namespace {

bool has_rows(const Array& a, int dim) { return a.strides[dim] == 1 || a.shape[dim] <= 1; }

// A contiguous array of a's shape whose memory runs along dim first.
struct Scratch {
  std::unique_ptr<char[]> memory;
  Array array;
  Scratch(const Array& a, int dim) : array(a) {
    memory.reset(new char[static_cast<size_t>(a.numel() * size_of(a.dtype))]);
    array.data = memory.get();
    int64_t stride = 1;
    array.strides[dim] = stride;
    stride *= a.shape[dim];
    for (int d = a.shape.ndim() - 1; d >= 0; --d) {
      if (d == dim) continue;
      array.strides[d] = stride;
      stride *= a.shape[d];
    }
  }
};

template <class T>
void rows_forward(const Array& x, const Array& y, int dim, bool log) {
  const Array x0 = narrowed(x, dim), y0 = narrowed(y, dim);
  const int64_t n = x.shape[dim];
  const auto& k = kernels<T>().softmax;
  const auto kernel = log ? k.log_forward : k.forward;
  for_lines(make_loop({&y0, &x0}), n, [&](char* const* at) {
    kernel(reinterpret_cast<const T*>(at[1]), reinterpret_cast<T*>(at[0]), n);
  });
}

template <class T>
void rows_backward(const Array& y, const Array& g, const Array& dx, int dim, bool log) {
  const Array y0 = narrowed(y, dim), g0 = narrowed(g, dim), dx0 = narrowed(dx, dim);
  const int64_t n = y.shape[dim];
  const auto& k = kernels<T>().softmax;
  const auto kernel = log ? k.log_backward : k.backward;
  for_lines(make_loop({&dx0, &y0, &g0}), n, [&](char* const* at) {
    kernel(reinterpret_cast<const T*>(at[1]), reinterpret_cast<const T*>(at[2]),
           reinterpret_cast<T*>(at[0]), n);
  });
}

}  // namespace

void run_softmax(const Array& x, const Array& y, int dim, bool log) {
  if (y.numel() == 0) return;
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch(log ? "log_softmax" : "softmax", [=] {
      if (has_rows(x, dim) && has_rows(y, dim)) return rows_forward<T>(x, y, dim, log);
      const Scratch rows(y, dim);
      copy_now(x, rows.array);
      rows_forward<T>(rows.array, rows.array, dim, log);
      copy_now(rows.array, y);
    });
  });
}

void run_softmax_backward(const Array& y, const Array& g, const Array& dx, int dim, bool log) {
  if (y.numel() == 0) return;
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch(log ? "log_softmax_backward" : "softmax_backward", [=] {
      if (has_rows(y, dim) && has_rows(g, dim) && has_rows(dx, dim)) {
        return rows_backward<T>(y, g, dx, dim, log);
      }
      const Scratch y_rows(y, dim), rows(g, dim);
      copy_now(y, y_rows.array);
      copy_now(g, rows.array);
      rows_backward<T>(y_rows.array, rows.array, rows.array, dim, log);
      copy_now(rows.array, dx);
    });
  });
}

namespace {

// Contiguous rows of few elements.
template <class T>
void short_row_lses(const T* x, T* lse, int64_t rows, int64_t n) {
  const auto kernel = kernels<T>().softmax.short_log_sum_exps;
  launch("row_lse", [=] {
    const Chunks chunks{rows, rows * n <= kSerialBelow ? rows : kChunkElements / n};
    parallel_for(chunks.count(), [&](int64_t i) {
      const int64_t first = chunks.begin(i);
      kernel(x + first * n, lse + first, chunks.end(i) - first, n);
    });
  });
}

}  // namespace

void run_row_lse(const Array& x, const Array& lse) {
  const int64_t rows = x.shape[0], n = x.shape[1];
  if (rows == 0) return;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (n > 0 && n <= kShortRow && x.contiguous() && lse.contiguous()) {
      return short_row_lses(x.as<T>(), lse.as<T>(), rows, n);
    }
    const Array x0 = narrowed(x, 1);
    Array out = lse;
    out.shape.push_back(1);
    out.strides.push_back(1);
    const Loop loop = make_loop({&out, &x0});
    const auto kernel = kernels<T>().softmax.log_sum_exp;
    launch("row_lse", [loop, kernel, n] {
      for_lines(loop, n, [&](char* const* at) {
        *reinterpret_cast<T*>(at[0]) = kernel(reinterpret_cast<const T*>(at[1]), n);
      });
    });
  });
}

void run_row_softmax(const Array& x, const Array& lse, const Array& scale, const Array& y) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Array y0 = narrowed(y, 1), x0 = narrowed(x, 1);
    Array of_row[2] = {lse, scale};
    for (Array& a : of_row) {
      a.shape.push_back(1);
      a.strides.push_back(1);
    }
    const Loop loop = make_loop({&y0, &x0, &of_row[0], &of_row[1]});
    const auto kernel = kernels<T>().softmax.scaled_exp;
    const bool stream = y.numel() * size_of(y.dtype) >= kStreamBytes;
    launch("row_softmax", [loop, kernel, stream, n = x.shape[1]] {
      for_lines(loop, n, [&](char* const* at) {
        kernel(reinterpret_cast<const T*>(at[1]), *reinterpret_cast<const T*>(at[2]),
               *reinterpret_cast<const T*>(at[3]), reinterpret_cast<T*>(at[0]), n, stream);
      });
    });
  });
}

}  // namespace sf
