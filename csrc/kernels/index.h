// Moving rows by a list of offsets: what indexing by tensors comes down to.
#pragma once
#include "base/array.h"

namespace sf {

// y[i, ...] = x[offsets[i] + ...]: `row` describes one row of x (data: element 0), offsets are in
// elements, y has one more dimension than `row`, in front.
void run_gather_rows(const Array& row, const int64_t* offsets, const Array& y);

// x[offsets[i] + ...] = y[i, ...], in the order of i.
void run_scatter_rows(const Array& row, const int64_t* offsets, const Array& y);

// x[offsets[i] + ...] += y[i, ...]: repeated offsets add up in the order of i, so that the result
// does not depend on threads.
void run_scatter_add_rows(const Array& row, const int64_t* offsets, const Array& y);

}  // namespace sf
