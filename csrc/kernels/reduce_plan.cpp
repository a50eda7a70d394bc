#include "kernels/reduce_plan.h"

#include <cstdlib>
#include <utility>

namespace sf {
namespace {

// Inserts a dimension so that the strides of x descend.
void add(ReducePlan::Dims& dims, int64_t size, int64_t x, int64_t y) {
  int at = dims.ndim++;
  for (; at > 0 && std::abs(dims.x[at - 1]) < std::abs(x); --at) {
    dims.size[at] = dims.size[at - 1];
    dims.x[at] = dims.x[at - 1];
    dims.y[at] = dims.y[at - 1];
  }
  dims.size[at] = size;
  dims.x[at] = x;
  dims.y[at] = y;
  dims.total *= size;
}

// Joins neighbours that one stride walks.
void merge(ReducePlan::Dims& dims) {
  if (dims.ndim == 0) {
    dims.ndim = 1;
    dims.size[0] = dims.x[0] = dims.y[0] = 1;
    return;
  }
  int kept = 0;
  for (int d = 1; d < dims.ndim; ++d) {
    const bool joins =
        dims.x[kept] == dims.x[d] * dims.size[d] && dims.y[kept] == dims.y[d] * dims.size[d];
    const int64_t size = joins ? dims.size[kept] * dims.size[d] : dims.size[d];
    kept += !joins;
    dims.size[kept] = size;
    dims.x[kept] = dims.x[d];
    dims.y[kept] = dims.y[d];
  }
  dims.ndim = kept + 1;
}

}  // namespace

ReducePlan make_reduce_plan(const Array& x, const Array& y) {
  ReducePlan plan;
  plan.x = x.data;
  plan.y = y.data;
  for (int d = 0; d < x.shape.ndim(); ++d) {
    if (x.shape[d] == 1) continue;
    const bool is_kept = x.shape[d] == y.shape[d];
    add(is_kept ? plan.kept : plan.reduced, x.shape[d], x.strides[d], is_kept ? y.strides[d] : 0);
  }
  merge(plan.kept);
  merge(plan.reduced);
  return plan;
}

}  // namespace sf
