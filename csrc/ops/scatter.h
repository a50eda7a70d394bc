// Reading and writing along one dimension. An index holds integers in [0, size): unlike x[...],
// these ops refuse to count from the end, as PyTorch's do. What is put twice in one place is added
// up, or overwritten, in index order.
#pragma once
#include <string>

#include "tensor/tensor.h"

namespace sf {

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
// out[i][j] = x[index[i][j]][j] for dim 0.
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
Tensor take_along_dim(const Tensor& x, const Tensor& index, int64_t dim);

// x with x[index[i][j]][j] = source[i][j] for dim 0; the source may be one number.
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter_(Tensor self, int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter_add_(Tensor self, int64_t dim, const Tensor& index, const Tensor& source);

// Slices of `dim` named by a 1-d index.
Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                 double alpha = 1);
Tensor index_add_(Tensor self, int64_t dim, const Tensor& index, const Tensor& source,
                  double alpha = 1);
Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor index_copy_(Tensor self, int64_t dim, const Tensor& index, const Tensor& source);
Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& value);
Tensor index_fill_(Tensor self, int64_t dim, const Tensor& index, const Tensor& value);

// scatter_reduce.cpp: how is "sum", "prod", "mean", "amax" or "amin"; with include_self the
// elements of x take part where something is put. Equal extremes share the gradient.
struct ScatterReduce {
  std::string how;
  bool include_self = true;
};
Tensor scatter_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                      const ScatterReduce& options);
Tensor scatter_reduce_(Tensor self, int64_t dim, const Tensor& index, const Tensor& source,
                       const ScatterReduce& options);
// How often each number from 0 on occurs, or the sum of its weights; at least `minlength` long.
Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength);

}  // namespace sf
