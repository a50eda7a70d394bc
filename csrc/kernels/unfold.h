// Windows of contiguous planes (planes, H, W) laid out as columns, and added back.
#pragma once
#include "base/array.h"

namespace sf {

struct UnfoldAxis {
  int64_t in, out, kernel, stride, padding, dilation;
  // Where tap k of window i reads, possibly outside.
  int64_t at(int64_t i, int64_t k) const { return i * stride - padding + k * dilation; }
  // The windows [begin, end) whose tap k lies inside.
  int64_t begin(int64_t k) const;
  int64_t end(int64_t k) const;
};
struct UnfoldPlan {
  UnfoldAxis h, w;
  int64_t in() const { return h.in * w.in; }
  int64_t out() const { return h.kernel * w.kernel * h.out * w.out; }
};

// columns (planes, kernel H, kernel W, out H, out W) = the taps of every window, 0 outside.
void run_unfold(const UnfoldPlan& plan, const Array& x, const Array& columns);
// x = the sum of the columns that were read from each element, in the order in which they stand.
void run_fold(const UnfoldPlan& plan, const Array& columns, const Array& x);

}  // namespace sf
