#include "bind/op.h"
#include "ops/shape.h"

namespace sf::bind {
namespace {

void register_views(OpTable& ops) {
  ops.add("reshape(Tensor input, int... shape) -> Tensor", &reshape,
          "The elements in row-major order under another shape; one size may be -1. A view where "
          "the memory allows it, else a copy.");
  ops.add("view(Tensor input, int... shape) -> Tensor", &view,
          "As reshape, but a view or a RuntimeError.", Where::kMethod);
  ops.add("flatten(Tensor input, int start_dim=0, int end_dim=-1) -> Tensor", &flatten,
          "Joins the dimensions from start_dim to end_dim.");
  ops.add("unflatten(Tensor input, int dim, int[] sizes) -> Tensor", &unflatten,
          "Cuts one dimension into several.");
  ops.add("permute(Tensor input, int... dims) -> Tensor", &permute,
          "A view with the dimensions in another order.");
  ops.add("transpose(Tensor input, int dim0, int dim1) -> Tensor", &transpose,
          "A view with two dimensions swapped.");
  ops.add(
      "t(Tensor input) -> Tensor",
      [](const Tensor& input) {
        if (input.ndim() > 2) {
          throw ShapeError("[t] needs at most 2 dimensions, got ", input.shape(),
                           "; use transpose(dim0, dim1)");
        }
        return input.ndim() < 2 ? input : matrix_transpose(input);
      },
      "The transposed matrix, as a view.");
  ops.add("movedim(Tensor input, int source, int destination) -> Tensor", &movedim,
          "A view with one dimension moved to another place.");
  ops.add("expand(Tensor input, int... sizes) -> Tensor", &expand,
          "A view that repeats dimensions of size 1; -1 keeps a size.", Where::kMethod);
  ops.add("broadcast_to(Tensor input, int... shape) -> Tensor", &expand,
          "A view of input under a shape that it broadcasts to.");
  ops.add(
      "squeeze(Tensor input, int[]? dim=None) -> Tensor",
      [](const Tensor& input, const std::optional<Shape>& dim) {
        return dim ? squeeze(input, *dim) : squeeze(input);
      },
      "A view without the dimensions of size 1, all or those named.");
  ops.add("unsqueeze(Tensor input, int dim) -> Tensor", &unsqueeze,
          "A view with a new dimension of size 1.");
  ops.add("diagonal(Tensor input, int offset=0, int dim1=0, int dim2=1) -> Tensor", &diagonal,
          "A view of a diagonal, as the last dimension.");
  ops.add("select(Tensor input, int dim, int index) -> Tensor", &select,
          "A view of one slice, without its dimension.");
  ops.add("narrow(Tensor input, int dim, int start, int length) -> Tensor", &narrow,
          "A view of a range of one dimension.");
}

std::vector<Tensor> split_by(const Tensor& input, const py::object& size_or_sections, int64_t dim) {
  if (!PyIndex_Check(size_or_sections.ptr())) {
    return split(input, From<std::vector<int64_t>>::get(size_or_sections.ptr()), dim);
  }
  const auto size = From<int64_t>::get(size_or_sections.ptr());
  if (size < 1) throw ValueError("[split] the size must be at least 1, got ", size);
  const int d = normalize_dim("split", dim, input.ndim());
  if (input.ndim() == 0) throw IndexError("[split] a 0-d tensor cannot be split");
  std::vector<Tensor> parts;
  int64_t start = 0;
  do {
    const int64_t length = std::min(size, input.size(d) - start);
    parts.push_back(narrow(input, d, start, length));
    start += size;
  } while (start < input.size(d));
  return parts;
}

}  // namespace

void register_shape(OpTable& ops) {
  register_views(ops);
  ops.add("split(Tensor input, int|int[] split_size_or_sections, int dim=0) -> tuple[Tensor, ...]",
          &split_by, "Views of consecutive parts: all of one size, or of the sizes listed.");
  ops.add("chunk(Tensor input, int chunks, int dim=0) -> tuple[Tensor, ...]", &chunk,
          "Views of `chunks` parts of equal size; the last may be smaller.");
  ops.add("unbind(Tensor input, int dim=0) -> tuple[Tensor, ...]", &unbind,
          "Views of all slices along a dimension.");
  ops.add("cat(Tensor[] tensors, int dim=0) -> Tensor", &cat, "Tensors joined along a dimension.",
          Where::kFunction);
  ops.add("stack(Tensor[] tensors, int dim=0) -> Tensor", &stack,
          "Tensors of one shape joined along a new dimension.", Where::kFunction);
  ops.add("flip(Tensor input, int... dims) -> Tensor", &flip,
          "A copy with the order along the dimensions reversed.");
  ops.add(
      "roll(Tensor input, int[] shifts, int[]? dims=None) -> Tensor",
      [](const Tensor& input, const Shape& shifts, const std::optional<Shape>& dims) {
        return roll(input, shifts, dims.value_or(Shape()));
      },
      "Elements shifted along dimensions (along the flattened tensor if none is named); what "
      "leaves at one end enters at the other.");
  ops.add("repeat(Tensor input, int... repeats) -> Tensor", &repeat,
          "The tensor tiled, as np.tile.", Where::kMethod);
  ops.add(
      "tile(Tensor input, int... dims) -> Tensor",
      [](const Tensor& input, const Shape& dims) {
        Shape repeats = dims;
        while (repeats.ndim() < input.ndim()) repeats.insert(0, 1);
        return repeat(input, repeats);
      },
      "The tensor tiled; missing leading numbers are 1.");
  ops.add("tril(Tensor input, int diagonal=0) -> Tensor", &tril,
          "The lower triangle, zeros above the diagonal.");
  ops.add("triu(Tensor input, int diagonal=0) -> Tensor", &triu,
          "The upper triangle, zeros below the diagonal.");
}

}  // namespace sf::bind
