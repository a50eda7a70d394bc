// Reductions over any dimensions of any layout. The order of the additions depends on shape and
// strides only: chunks of fixed size, their results combined in index order in double precision.
#pragma once
#include "base/array.h"
#include "kernels/elementwise.h"
#include "kernels/reduce_table.h"

namespace sf {

// y has the shape of x with size 1 along the reduced dimensions, and x's dtype. Float dtypes: sum,
// prod, max, min, sumsq (of squares), mean. Integers: sum, prod (wrapping around), max, min, any,
// all; bool: any, all, max, min. Reducing nothing gives 0, 1, -inf, inf; of integers the smallest
// and the largest.
void run_reduce(Reduce op, const Array& x, const Array& y);

// run_unary_backward (x, y and g as there) into dx (M, N), and its column sums into (N,) contiguous
// numbers, with the bits of the two one after the other: in one pass where all lies side by side
// and rows are not wide.
void run_unary_backward_sum(Unary op, const Array* x, const Array* y, const Array& g,
                            const Array& dx, const Array& sums, const OpParams& params = {});

// Reduce::argmax or argmin: the first position of the largest (smallest) element along dim, of a
// NaN if there is one. y is int64, of x's shape with size 1 along dim.
void run_arg_reduce(Reduce op, const Array& x, const Array& y, int dim);

// Variance with divisor max(0, count - correction), in two passes; float dtypes, y as in
// run_reduce.
void run_var(const Array& x, const Array& y, double correction);

// y[i] = x[0] + ... + x[i] along dim (from the other end if reverse); x and y of one shape and
// dtype.
void run_cumsum(const Array& x, const Array& y, int dim, bool reverse);

}  // namespace sf
