// Moving rows by a list of offsets: what indexing by tensors and embeddings come down to.
#pragma once
#include <limits>

#include "base/array.h"

namespace sf {

// Stands for an offset where there is no row: zeros are read, nothing is written.
constexpr int64_t kNoRow = std::numeric_limits<int64_t>::min();

// y[i, ...] = x[offsets[i] + ...]: `row` describes one row of x (data: element 0), offsets are in
// elements, y has one more dimension than `row`, in front.
void run_gather_rows(const Array& row, const int64_t* offsets, const Array& y);

// What becomes of an element that is there, x, and one that comes, y.
enum class Put { kSet, kAdd, kMul, kMax, kMin };

// x[offsets[i] + ...] = put(x[...], y[i, ...]), in the order of i. Rows of different offsets must
// not overlap. Rows run in parallel, but those that meet at one offset have one owner, which takes
// them in the order of i: the result does not depend on threads.
void run_scatter_rows(const Array& row, const int64_t* offsets, const Array& y, Put how);

}  // namespace sf
