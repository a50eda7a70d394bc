// Max pooling of contiguous planes (planes, H, W), and moving elements by the positions it found.
#pragma once
#include <memory>
#include <vector>

#include "base/array.h"
#include "kernels/pool_table.h"

namespace sf {

// The windows along one axis; see WindowMap.
class WindowAxis {
 public:
  // Windows of `kernel` positions, `dilation` apart, the first of them `padding` before the start;
  // positions outside are left out.
  WindowAxis(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
             int64_t dilation);
  // Window i is [floor(i in / out), ceil((i + 1) in / out)).
  static WindowAxis adaptive(int64_t in, int64_t out);

  WindowMap map() const {
    return {in, out, kernel, stride, dilation, first.data(), count.data(), lo, hi};
  }
  // Whether windows of `size` lie side by side from the start on.
  bool tiles(int64_t size) const;

  int64_t in, out, kernel, stride, dilation;
  std::vector<int32_t> first, count;
  int64_t lo, hi;
};

struct MaxPlan {
  WindowAxis h, w;
  MaxMap map() const { return {h.map(), w.map()}; }
  int64_t in() const { return h.in * w.in; }
  int64_t out() const { return h.out * w.out; }
};
using MaxPlanRef = std::shared_ptr<const MaxPlan>;

// y, and `at` (int32, may be null): where in its plane each element of y stands, -1 of an empty
// window. A NaN counts as the largest; of equal elements the first is taken, of NaNs the last.
void run_max_pool(const MaxPlanRef& plan, const Array& x, const Array& y, const Array& at);

// dx[at[i]] += g[i] plane by plane, in the order of i.
void run_place(const MaxPlanRef& plan, const Array& g, const Array& at, const Array& dx);
// y[i] = x[at[i]], 0 where at is -1.
void run_pick(const MaxPlanRef& plan, const Array& x, const Array& at, const Array& y);

}  // namespace sf
