#include <algorithm>
#include <limits>

#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/launch.h"
#include "kernels/softmax.h"

namespace sf {
namespace {

constexpr int64_t kElementsPerChunk = 16384;

// Calls row(i) for every row of n elements.
template <class F>
void for_rows_of(int64_t rows, int64_t n, const F& row) {
  const Chunks chunks{rows, std::max<int64_t>(kElementsPerChunk / n, 1)};
  parallel_for(chunks.count(), [&](int64_t c) {
    for (int64_t i = chunks.begin(c); i < chunks.end(c); ++i) row(i);
  });
}

// y = x where the mask lets it through, -inf elsewhere; whether it lets anything through.
template <class T>
bool apply_mask(const T* x, const bool* mask, int64_t step, T* y, int64_t n) {
  bool any = false;
  for (int64_t k = 0; k < n; ++k) {
    any |= mask[k * step];
    y[k] = mask[k * step] ? x[k] : -std::numeric_limits<T>::infinity();
  }
  return any;
}

template <class T>
bool apply_mask(const T* x, const T* mask, int64_t step, T* y, int64_t n) {
  bool any = false;
  for (int64_t k = 0; k < n; ++k) {
    any |= mask[k * step] != -std::numeric_limits<T>::infinity();
    y[k] = x[k] + mask[k * step];
  }
  return any;
}

// Where row i of the mask begins.
int64_t row_offset(const Array& mask, int64_t i) {
  int64_t offset = 0;
  for (int d = mask.shape.ndim() - 2; d >= 0; --d) {
    offset += i % mask.shape[d] * mask.strides[d];
    i /= mask.shape[d];
  }
  return offset;
}

template <class T, class M>
void masked_rows(const Array& x, const Array& mask, const Array& y) {
  const int64_t n = x.shape.back(), step = mask.strides.back();
  const auto softmax = kernels<T>().softmax.forward;
  for_rows_of(x.numel() / n, n, [&](int64_t i) {
    T* row = y.as<T>() + i * n;
    const M* own = mask.as<M>() + row_offset(mask, i);
    if (apply_mask(x.as<T>() + i * n, own, step, row, n)) return softmax(row, row, n);
    std::fill_n(row, n, T(0));
  });
}

template <class T>
void causal_rows(const Array& x, const Array& y) {
  const int64_t n = x.shape.back(), rows = x.shape[x.shape.ndim() - 2];
  const auto softmax = kernels<T>().softmax.forward;
  for_rows_of(x.numel() / n, n, [&](int64_t i) {
    const int64_t left = std::min(i % rows + 1, n);
    T* row = y.as<T>() + i * n;
    softmax(x.as<T>() + i * n, row, left);
    std::fill_n(row + left, n - left, T(0));
  });
}

}  // namespace

void run_masked_softmax(const Array& x, const Array& mask, const Array& y) {
  if (y.numel() == 0) return;
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto run = mask.dtype == Dtype::kBool ? &masked_rows<T, bool> : &masked_rows<T, T>;
    launch("masked_softmax", [=] { run(x, mask, y); });
  });
}

void run_causal_softmax(const Array& x, const Array& y) {
  if (y.numel() == 0) return;
  dispatch_floating(y.dtype, [&](auto zero) {
    launch("causal_softmax", [=] { causal_rows<decltype(zero)>(x, y); });
  });
}

}  // namespace sf
