#include "bind/op.h"
#include "ops/index.h"
#include "ops/sort.h"

namespace sf::bind {

void register_index(OpTable& ops) {
  ops.add(
      "nonzero(Tensor input, *, bool as_tuple=False) -> Tensor|tuple[Tensor]",
      [](const Tensor& input, bool as_tuple) {
        return as_tuple ? TensorOrTuple{{}, nonzero_tuple(input)} : TensorOrTuple{nonzero(input)};
      },
      "The indices of the elements that are not zero: int64, (count, ndim); as_tuple: one tensor "
      "for each dimension.");
  ops.add("masked_select(Tensor input, Tensor mask) -> Tensor", &masked_select,
          "The elements where the mask, broadcast with input, is True; 1-d.");
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
