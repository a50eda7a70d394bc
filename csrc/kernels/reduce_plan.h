// How a reduction walks its array: dimensions kept and dimensions reduced, each sorted by stride
// and merged, strides in elements.
#pragma once
#include <algorithm>

#include "base/array.h"
#include "base/rounding.h"
#include "kernels/reduce_table.h"

namespace sf {

struct ReducePlan {
  struct Dims {
    int ndim = 0;
    int64_t total = 1;
    int64_t size[kMaxDims] = {}, x[kMaxDims] = {}, y[kMaxDims] = {};

    int64_t inner() const { return size[ndim - 1]; }
    int64_t outer() const { return inner() ? total / inner() : 0; }
    // Offset in x (in y) of element i of the flattened dims.
    int64_t x_offset(int64_t i) const { return offset(i, x); }
    int64_t y_offset(int64_t i) const { return offset(i, y); }

   private:
    int64_t offset(int64_t i, const int64_t* strides) const {
      int64_t out = 0;
      for (int d = ndim - 1; d > 0 && i; --d) {
        out += i % size[d] * strides[d];
        i /= size[d];
      }
      return out + i * strides[0];
    }
  };
  Dims kept, reduced;
  const void* x = nullptr;
  void* y = nullptr;

  // Rows: the reduced elements lie side by side. Columns: the kept ones do. Neither: gathered.
  bool by_rows() const { return reduced.x[reduced.ndim - 1] == 1 && reduced.inner() >= 64; }
  bool by_columns() const {
    return !by_rows() && kept.x[kept.ndim - 1] == 1 && kept.inner() >= 4 && reduced.total > 1;
  }
};

ReducePlan make_reduce_plan(const Array& x, const Array& y);

// Elements [begin, end) of the reduced dims of one output, side by side; at most kReduceChunk.
template <class T>
void gather_reduced(const ReducePlan::Dims& dims, const T* x, int64_t begin, int64_t end, T* out) {
  const int last = dims.ndim - 1;
  const int64_t step = dims.x[last], inner = dims.inner();
  while (begin < end) {
    const int64_t column = begin % inner;
    const int64_t n = std::min(inner - column, end - begin);
    const T* from = x + dims.x_offset(begin);
    for (int64_t i = 0; i < n; ++i) out[i] = from[i * step];
    out += n;
    begin += n;
  }
}

// The pieces that the reduced elements of one output are cut into: runs of at most kReduceChunk.
struct Pieces {
  bool direct;  // pieces lie side by side in memory
  int64_t run, per_run, count;
  explicit Pieces(const ReducePlan& plan)
      : direct(plan.by_rows() || (plan.reduced.ndim == 1 && plan.reduced.x[0] == 1)),
        run(direct ? plan.reduced.inner() : plan.reduced.total),
        per_run(ceil_div(run, kReduceChunk)),
        count(run ? plan.reduced.total / run * per_run : 0) {}
  // Calls fn(pointer, n) for piece i of the output whose first element is x.
  template <class T, class F>
  auto with(const ReducePlan& plan, const T* x, int64_t i, F&& fn) const {
    const int64_t which = per_run == 1 ? i : i / per_run;  // run
    const int64_t begin = (i - which * per_run) * kReduceChunk;
    const int64_t n = std::min(kReduceChunk, run - begin);
    if (direct) return fn(x + plan.reduced.x_offset(which * run) + begin, n);
    T scratch[kReduceChunk];
    gather_reduced(plan.reduced, x, begin, begin + n, scratch);
    return fn(static_cast<const T*>(scratch), n);
  }
};

}  // namespace sf
