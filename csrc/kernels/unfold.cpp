#include "kernels/unfold.h"

#include <algorithm>

#include "base/dtype.h"
#include "base/rounding.h"
#include "kernels/launch.h"
#include "kernels/planes.h"

namespace sf {
namespace {

// Calls fn(offset in x, first column, columns) for each row of taps that lies inside x.
template <class F>
void for_rows_inside(const UnfoldPlan& plan, const F& fn) {
  const UnfoldAxis &h = plan.h, &w = plan.w;
  int64_t row = 0;  // of the columns
  for (int64_t a = 0; a < h.kernel; ++a) {
    for (int64_t b = 0; b < w.kernel; ++b) {
      const int64_t begin = w.begin(b), end = w.end(b);
      for (int64_t i = 0; i < h.out; ++i, row += w.out) {
        const int64_t y = h.at(i, a);
        if (y < 0 || y >= h.in || begin >= end) continue;
        fn(y * w.in + w.at(begin, b), row + begin, end - begin);
      }
    }
  }
}

template <class T>
void unfold_plane(const UnfoldPlan& plan, const T* x, T* columns) {
  const int64_t step = plan.w.stride;
  std::fill_n(columns, plan.out(), T(0));
  for_rows_inside(plan, [&](int64_t from, int64_t to, int64_t n) {
    if (step == 1) {
      std::copy_n(x + from, n, columns + to);
    } else {
      for (int64_t j = 0; j < n; ++j) columns[to + j] = x[from + j * step];
    }
  });
}

template <class T>
void fold_plane(const UnfoldPlan& plan, const T* columns, T* x) {
  const int64_t step = plan.w.stride;
  std::fill_n(x, plan.in(), T(0));
  for_rows_inside(plan, [&](int64_t from, int64_t to, int64_t n) {
    if (step == 1) {
      for (int64_t j = 0; j < n; ++j) x[from + j] += columns[to + j];
    } else {
      for (int64_t j = 0; j < n; ++j) x[from + j * step] += columns[to + j];
    }
  });
}

}  // namespace

int64_t UnfoldAxis::begin(int64_t k) const {
  const int64_t missing = -at(0, k);
  return missing > 0 ? std::min(out, ceil_div(missing, stride)) : 0;
}
int64_t UnfoldAxis::end(int64_t k) const {
  const int64_t room = in - 1 - at(0, k);
  return room < 0 ? 0 : std::min(out, room / stride + 1);
}

void run_unfold(const UnfoldPlan& plan, const Array& x, const Array& columns) {
  if (columns.numel() == 0) return;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("unfold", [plan, x, columns] {
      for_planes(columns.numel() / plan.out(), plan.in() + plan.out(), [&](int64_t p) {
        unfold_plane(plan, x.as<T>() + p * plan.in(), columns.as<T>() + p * plan.out());
      });
    });
  });
}

void run_fold(const UnfoldPlan& plan, const Array& columns, const Array& x) {
  if (x.numel() == 0) return;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("fold", [plan, x, columns] {
      for_planes(x.numel() / plan.in(), plan.in() + plan.out(), [&](int64_t p) {
        fold_plane(plan, columns.as<T>() + p * plan.out(), x.as<T>() + p * plan.in());
      });
    });
  });
}

}  // namespace sf
