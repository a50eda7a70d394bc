// Normalisation of contiguous arrays: x minus its mean, times 1 / sqrt(variance + eps), then scaled
// and shifted.
#pragma once
#include "base/array.h"

namespace sf {

// x is read as (outer, groups, inner); a group has one mean, taken over outer and inner.
struct NormPlan {
  int64_t outer, groups, inner;
  bool along_inner;  // weight and bias have a number for each inner position (outer is 1 then),
                     // otherwise one for each group
  bool centered;     // false: the mean counts as 0, the variance is the mean square
  double eps;
  int64_t count() const { return outer * inner; }
  // From the start of a row to that of the row that is read next, where that is fetched in advance.
  int64_t next() const { return outer == 1 ? inner : 0; }
};

// y, and mean, var (divisor count) and rstd = 1 / sqrt(var + eps) of each group. weight and bias
// may be null; all have the dtype of x.
void run_norm(const NormPlan& plan, const Array& x, const Array& weight, const Array& bias,
              const Array& y, const Array& mean, const Array& var, const Array& rstd);

// dx, dweight and dbias from g = dL/dy; those that are null are left out, but dweight and dbias go
// together. dx may be g.
void run_norm_backward(const NormPlan& plan, const Array& x, const Array& g, const Array& weight,
                       const Array& mean, const Array& rstd, const Array& dx, const Array& dweight,
                       const Array& dbias);

// running = (1 - momentum) running + momentum factor mean(now) over the rows of now (samples, C);
// both contiguous and floating. momentum is 1 / count where count, one int64, is not null.
void run_move_running(const Array& running, const Array& now, double momentum, const Array& count,
                      double factor);

}  // namespace sf
