// Indexing, read and write, basic and advanced.
#pragma once
#include <vector>

#include "kernels/index.h"
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
// x[index] = value, or put together with what is there, repeated elements in index order; value is
// broadcast. Put::kSet and kAdd are differentiable. `op` is what errors and the graph call it.
void index_put(Tensor x, const Index& index, const Tensor& value, Put how = Put::kSet,
               const char* op = "index_put");

// The indices of the elements that are not zero, (count, ndim).
Tensor nonzero(const Tensor& x);
std::vector<Tensor> nonzero_tuple(const Tensor& x);  // a column for each dimension
Tensor masked_select(const Tensor& x, const Tensor& mask);
// x with its masked elements replaced by those of source, one after the other.
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);
Tensor masked_scatter_(Tensor self, const Tensor& mask, const Tensor& source);

}  // namespace sf
