// What scatter.cpp and scatter_reduce.cpp share.
#pragma once
#include "ops/index.h"

namespace sf {

// 0-d tensors are indexed as if they had one dimension of size 1.
Tensor at_least_1d(const Tensor& t);

// The Index that puts elements of a tensor like x, of one dimension or more, at `index` along dim.
Index index_along(const char* op, const Tensor& x, int64_t dim, const Tensor& index);

// The part of a source that an index of the same number of dimensions names: its first elements
// along every dimension.
Tensor first_part(const char* op, const Tensor& source, const Tensor& index);

}  // namespace sf
