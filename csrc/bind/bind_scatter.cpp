// Reading and writing along a dimension.
#include "bind/op.h"
#include "ops/index.h"
#include "ops/scatter.h"

namespace sf::bind {
namespace {

// The source of a scatter: src, or a number under the name `value`.
Tensor source_of(const char* op, const Tensor& input, const std::optional<Operand>& src,
                 const std::optional<Operand>& value) {
  if (src.has_value() == value.has_value()) throw TypeError("[", op, "] give src or value");
  return (src ? *src : *value).stored(input.dtype());
}

Tensor call_scatter(const Tensor& input, int64_t dim, const Tensor& index,
                    const std::optional<Operand>& src, const std::optional<Operand>& value) {
  return scatter(input, dim, index, source_of("scatter", input, src, value));
}
Tensor call_scatter_(const Tensor& input, int64_t dim, const Tensor& index,
                     const std::optional<Operand>& src, const std::optional<Operand>& value) {
  return scatter_(input, dim, index, source_of("scatter_", input, src, value));
}

void register_scatter_family(OpTable& ops) {
  ops.add(
      "scatter(Tensor input, int dim, Tensor index, Tensor|Number? src=None, *, "
      "Number? value=None) -> Tensor",
      &call_scatter,
      "A copy of input with out[index[i][j]][j] = src[i][j] for dim 0, likewise for the others; "
      "the last one put in a place stays.");
  ops.add(
      "scatter_(Tensor input, int dim, Tensor index, Tensor|Number? src=None, *, "
      "Number? value=None) -> Tensor",
      &call_scatter_, "The same, in place.", Where::kMethod);
  ops.add("scatter_add(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", &scatter_add,
          "A copy of input with out[index[i][j]][j] += src[i][j] for dim 0, likewise for the "
          "others. Repeated places add up in index order.");
  ops.add("scatter_add_(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", &scatter_add_,
          "The same, in place.", Where::kMethod);
  ops.add(
      "scatter_reduce(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, "
      "bool include_self=True) -> Tensor",
      [](const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src,
         const std::string& reduce, bool include_self) {
        return scatter_reduce(input, dim, index, src, {reduce, include_self});
      },
      "scatter with the 'sum', 'prod', 'mean', 'amax' or 'amin' of what meets in one place, the "
      "element of input there included or not; equal extremes share the gradient.");
  ops.add(
      "scatter_reduce_(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, "
      "bool include_self=True) -> Tensor",
      [](const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src,
         const std::string& reduce, bool include_self) {
        return scatter_reduce_(input, dim, index, src, {reduce, include_self});
      },
      "The same, in place.", Where::kMethod);
}

void register_slices(OpTable& ops) {
  ops.add(
      "index_add(Tensor input, int dim, Tensor index, Tensor source, *, float alpha=1) -> Tensor",
      &index_add,
      "A copy of input with alpha times slice i of source added to slice index[i] of dim; "
      "repeated slices add up in index order.");
  ops.add(
      "index_add_(Tensor input, int dim, Tensor index, Tensor source, *, float alpha=1) -> Tensor",
      &index_add_, "The same, in place.", Where::kMethod);
  ops.add("index_copy(Tensor input, int dim, Tensor index, Tensor source) -> Tensor", &index_copy,
          "A copy of input with slice index[i] of dim replaced by slice i of source.");
  ops.add("index_copy_(Tensor input, int dim, Tensor index, Tensor source) -> Tensor", &index_copy_,
          "The same, in place.", Where::kMethod);
  ops.add(
      "index_fill(Tensor input, int dim, Tensor index, Tensor|Number value) -> Tensor",
      [](const Tensor& input, int64_t dim, const Tensor& index, const Operand& value) {
        return index_fill(input, dim, index, value.stored(input.dtype()));
      },
      "A copy of input with the slices of dim that index names filled with a number.");
  ops.add(
      "index_fill_(Tensor input, int dim, Tensor index, Tensor|Number value) -> Tensor",
      [](const Tensor& input, int64_t dim, const Tensor& index, const Operand& value) {
        return index_fill_(input, dim, index, value.stored(input.dtype()));
      },
      "The same, in place.", Where::kMethod);
}

}  // namespace

void register_scatter(OpTable& ops) {
  ops.add("index_select(Tensor input, int dim, Tensor index) -> Tensor", &index_select,
          "The slices of `dim` that a 1-d index names.");
  ops.add("gather(Tensor input, int dim, Tensor index) -> Tensor", &gather,
          "out[i][j] = input[index[i][j]][j] for dim 0, likewise for the others.");
  ops.add("take_along_dim(Tensor input, Tensor indices, int dim) -> Tensor", &take_along_dim,
          "gather with the other dimensions broadcast, as np.take_along_axis.");
  register_scatter_family(ops);
  register_slices(ops);
  ops.add("masked_scatter(Tensor input, Tensor mask, Tensor source) -> Tensor", &masked_scatter,
          "A copy of input whose masked elements are those of source, one after the other.");
  ops.add("masked_scatter_(Tensor input, Tensor mask, Tensor source) -> Tensor", &masked_scatter_,
          "The same, in place.", Where::kMethod);
  ops.add(
      "bincount(Tensor input, Tensor? weights=None, int minlength=0) -> Tensor",
      [](const Tensor& input, const std::optional<Tensor>& weights, int64_t minlength) {
        return bincount(input, or_undefined(weights), minlength);
      },
      "How often each number from 0 on occurs, or the sum of its weights.");
}

}  // namespace sf::bind
