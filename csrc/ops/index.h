// Indexing, read and write, basic and advanced.
#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace sf {

// One item of an index expression, after Python's forms are gone. Ellipses are expanded.
struct IndexItem {
  enum Kind { kInteger, kSlice, kNewDim, kTensor };
  Kind kind = kSlice;
  int64_t start = 0;  // the integer of kInteger; of a slice the first element
  int64_t step = 1;
  int64_t length = 0;  // elements a slice keeps
  Tensor tensor{};     // int64, or bool as a mask over its ndim dimensions
};
using Index = std::vector<IndexItem>;

// x[index] by NumPy's rules: a view for basic indices, a copy if there is a tensor among them.
Tensor index(const Tensor& x, const Index& index);
// x[index] = value, or += value with repeated elements added up; value is broadcast.
void index_put(Tensor x, const Index& index, const Tensor& value, bool accumulate = false);

// The indices of the elements that are not zero, (count, ndim).
Tensor nonzero(const Tensor& x);
Tensor masked_select(const Tensor& x, const Tensor& mask);
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor take_along_dim(const Tensor& x, const Tensor& index, int64_t dim);

}  // namespace sf
