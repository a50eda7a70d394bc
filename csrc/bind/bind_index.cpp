#include "bind/op.h"
#include "ops/index.h"
#include "ops/sort.h"

namespace sf::bind {

void register_index(OpTable& ops) {
  ops.add("nonzero(Tensor input) -> Tensor", &nonzero,
          "The indices of the elements that are not zero: int64, (count, ndim).");
  ops.add("masked_select(Tensor input, Tensor mask) -> Tensor", &masked_select,
          "The elements where the mask, broadcast with input, is True; 1-d.");
  ops.add("index_select(Tensor input, int dim, Tensor index) -> Tensor", &index_select,
          "The slices of `dim` that a 1-d index names.");
  ops.add("gather(Tensor input, int dim, Tensor index) -> Tensor", &gather,
          "out[i][j] = input[index[i][j]][j] for dim 0, likewise for the others.");
  ops.add(
      "scatter(Tensor input, int dim, Tensor index, Tensor|Number src) -> Tensor",
      [](const Tensor& input, int64_t dim, const Tensor& index, const Operand& src) {
        return scatter(input, dim, index, src.resolve(input.dtype()));
      },
      "A copy of input with out[index[i][j]][j] = src[i][j] for dim 0, likewise for the others.");
  ops.add("scatter_add(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", &scatter_add,
          "A copy of input with out[index[i][j]][j] += src[i][j] for dim 0, likewise for the "
          "others. Repeated places add up in index order.");
  ops.add("take_along_dim(Tensor input, Tensor indices, int dim) -> Tensor", &take_along_dim,
          "gather with the other dimensions broadcast, as np.take_along_axis.");
  ops.add(
      "sort(Tensor input, int dim=-1, bool descending=False, bool stable=False) -> ValuesIndices",
      [](const Tensor& input, int64_t dim, bool descending, bool) {
        const Sorted sorted = sort(input, dim, descending);
        return ValuesIndices{sorted.values, sorted.indices};
      },
      "Sorted values and where they were, always stable; NaN counts as the largest.");
  ops.add(
      "argsort(Tensor input, int dim=-1, bool descending=False, bool stable=False) -> Tensor",
      [](const Tensor& input, int64_t dim, bool descending, bool) {
        return sort(input, dim, descending).indices;
      },
      "The indices that sort, always stable.");
  ops.add(
      "topk(Tensor input, int k, int dim=-1, bool largest=True, bool sorted=True)"
      " -> ValuesIndices",
      [](const Tensor& input, int64_t k, int64_t dim, bool largest, bool) {
        const Sorted top = topk(input, k, dim, largest);
        return ValuesIndices{top.values, top.indices};
      },
      "The k largest (or smallest) values and where they were, always sorted.");
}

}  // namespace sf::bind
