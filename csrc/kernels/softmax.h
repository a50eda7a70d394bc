// Softmax along a dimension, and the pieces of a cross-entropy that never stores probabilities.
#pragma once
#include "base/array.h"

namespace sf {

// Arrays of one shape and floating dtype, in any layout.
void run_softmax(const Array& x, const Array& y, int dim, bool log);
// dx from y = softmax(x) (or its logarithm) and g = dL/dy.
void run_softmax_backward(const Array& y, const Array& g, const Array& dx, int dim, bool log);

// softmax_masked.cpp: y = softmax of x along the last dimension over what is left of it, zeros
// where nothing is. x and y are contiguous; the mask has their shape in any layout: bool, true
// stays, or of their dtype, added. The backward is that of the softmax: masked y are 0.
void run_masked_softmax(const Array& x, const Array& mask, const Array& y);
// The same where row i of the last two dimensions is left its first i + 1 elements.
void run_causal_softmax(const Array& x, const Array& y);

// Rows of x (n, C) with contiguous rows: lse[i] = log sum_c exp(x[i, c]).
void run_row_lse(const Array& x, const Array& lse);
// y[i, c] = scale[i] exp(x[i, c] - lse[i]): with the lse of x, scaled softmax in one pass.
void run_row_softmax(const Array& x, const Array& lse, const Array& scale, const Array& y);

}  // namespace sf
