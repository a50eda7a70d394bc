// The ops of shape.h that pick, join or repeat parts.
#include <algorithm>
#include <numeric>

#include "autograd/record.h"
#include "ops/binary.h"
#include "ops/compare.h"
#include "ops/convert.h"
#include "ops/create.h"
#include "ops/index.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

IndexItem whole(int64_t size) { return {.length = size}; }

// x[:, ..., item, ...] with the item at `dim`.
Tensor index_at(const Tensor& x, int dim, const IndexItem& item) {
  Index at;
  for (int i = 0; i < dim; ++i) at.push_back(whole(x.size(i)));
  at.push_back(item);
  return index(x, at);
}

// Zeros of shape `from` with grad on the diagonal of dimensions a and b.
Tensor diagonal_backward(const Tensor& grad, const Shape& from, int64_t offset, int a, int b) {
  const int64_t length = grad.size(grad.ndim() - 1);
  Shape shape;         // that of `from` with a and b last
  Shape order = from;  // where each dimension of `from` lies in it
  Index at;
  for (int i = 0; i < from.ndim(); ++i) {
    if (i == a || i == b) continue;
    order[i] = shape.ndim();
    shape.push_back(from[i]);
    at.push_back(whole(from[i]));
  }
  order[a] = shape.ndim();
  order[b] = shape.ndim() + 1;
  shape.push_back(from[a]);
  shape.push_back(from[b]);
  for (const int64_t start : {std::max<int64_t>(-offset, 0), std::max<int64_t>(offset, 0)}) {
    const Tensor positions = arange_int(start, start + length, 1, Dtype::kInt64);
    at.push_back({.kind = IndexItem::kTensor, .tensor = positions});
  }
  Tensor out = zeros(shape, grad.dtype());
  index_put(out, at, grad);
  return permute(out, order);
}

// x, read as `shape`, with dim d laid `times` times behind itself; `shape` becomes the result's.
Tensor tiled(const Tensor& x, Shape& shape, int d, int64_t times) {
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < shape.ndim(); ++i) (i < d ? outer : inner) *= shape[i];
  if (__builtin_mul_overflow(shape[d], times, &shape[d])) {
    throw ValueError("[repeat] ", times, " times dim ", d, " is more than a tensor can hold");
  }
  return reshape(expand(reshape(x, {outer, 1, inner}), {outer, times, inner}), shape);
}

}  // namespace

Tensor select(const Tensor& x, int64_t dim, int64_t i) {
  const int d = normalize_dim("select", dim, x.ndim());
  if (x.ndim() == 0) throw IndexError("[select] a 0-d tensor has nothing to select from");
  return index_at(x, d, {.kind = IndexItem::kInteger, .start = i});
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  const int d = normalize_dim("narrow", dim, x.ndim());
  if (x.ndim() == 0) throw IndexError("[narrow] a 0-d tensor has no range to keep");
  const int64_t size = x.size(d);
  const int64_t first = start < 0 ? start + size : start;
  if (first < 0 || length < 0 || length > size - first) {
    throw IndexError("[narrow] start ", start, " and length ", length, " leave dim ", d,
                     " of size ", size);
  }
  return index_at(x, d, {.start = first, .length = length});
}

std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int64_t dim) {
  const int d = normalize_dim("split", dim, x.ndim());
  // Without sign the sum may wrap; narrow refuses what is out of range then.
  if (std::accumulate(sizes.begin(), sizes.end(), uint64_t{0}) !=
      static_cast<uint64_t>(x.size(d))) {
    throw ValueError("[split] the ", sizes.size(), " sizes do not add up to ", x.size(d),
                     ", the size of dim ", d);
  }
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    parts.push_back(narrow(x, d, start, size));
    start += size;
  }
  return parts;
}

std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  const int d = normalize_dim("chunk", dim, x.ndim());
  if (chunks < 1) throw ValueError("[chunk] chunks must be at least 1, got ", chunks);
  if (x.ndim() == 0) throw IndexError("[chunk] a 0-d tensor cannot be split");
  const int64_t size = std::max<int64_t>(x.size(d) / chunks + (x.size(d) % chunks != 0), 1);
  std::vector<Tensor> parts;
  for (int64_t start = 0; start < std::max<int64_t>(x.size(d), 1); start += size) {
    parts.push_back(narrow(x, d, start, std::min(size, x.size(d) - start)));
  }
  return parts;
}

std::vector<Tensor> unbind(const Tensor& x, int64_t dim) {
  const int d = normalize_dim("unbind", dim, x.ndim());
  if (x.ndim() == 0) throw IndexError("[unbind] a 0-d tensor has no slices");
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < x.size(d); ++i) parts.push_back(select(x, d, i));
  return parts;
}

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim) {
  if (tensors.empty()) throw ValueError("[cat] needs at least one tensor");
  const Tensor& first = tensors[0];
  if (first.ndim() == 0) throw ShapeError("[cat] 0-d tensors cannot be joined; use stack()");
  const int d = normalize_dim("cat", dim, first.ndim());
  Dtype dtype = first.dtype();
  Shape shape = first.shape();
  Shape sizes;
  std::vector<int64_t> lengths;
  shape[d] = 0;
  for (const Tensor& t : tensors) {
    dtype = promote(dtype, t.dtype());
    Shape rest = t.shape();
    if (t.ndim() == first.ndim()) rest[d] = shape[d];
    if (rest != shape) {
      throw ShapeError("[cat] ", first.shape(), " and ", t.shape(), ": all sizes but that of dim ",
                       d, " must agree");
    }
    shape[d] += t.size(d);
    lengths.push_back(t.size(d));
  }
  std::vector<Tensor> parts;
  std::vector<const Tensor*> inputs;
  for (const Tensor& t : tensors) parts.push_back(to(t, dtype));
  for (const Tensor& t : parts) inputs.push_back(&t);
  Tensor out = empty(shape, dtype);
  int64_t start = 0;
  for (const Tensor& part : parts) {
    const int64_t offset = out.offset() + start * out.strides()[d];
    copy_into(as_view(out, part.shape(), out.strides(), offset), part);
    start += part.size(d);
  }
  return record("cat", out, inputs, TensorRefs(), [lengths, d](const Backward& b) -> Grads {
    Grads grads;
    int64_t at = 0;
    for (size_t i = 0; i < lengths.size(); ++i) {
      grads.push_back(b.needs(i) ? narrow(b.grad(), d, at, lengths[i]) : Tensor());
      at += lengths[i];
    }
    return grads;
  });
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t dim) {
  if (tensors.empty()) throw ValueError("[stack] needs at least one tensor");
  const int d = normalize_dim("stack", dim, tensors[0].ndim() + 1);
  std::vector<Tensor> parts;
  for (const Tensor& t : tensors) {
    if (t.shape() != tensors[0].shape()) {
      throw ShapeError("[stack] ", tensors[0].shape(), " and ", t.shape(),
                       ": all shapes must be equal");
    }
    parts.push_back(unsqueeze(t, d));
  }
  return cat(parts, d);
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int a = normalize_dim("diagonal", dim1, x.ndim());
  const int b = normalize_dim("diagonal", dim2, x.ndim());
  if (a == b || x.ndim() < 2) {
    throw ValueError("[diagonal] needs two different dimensions of ", x.shape());
  }
  offset = std::clamp(offset, -x.size(a), x.size(b));
  const int64_t row = std::max<int64_t>(-offset, 0);
  const int64_t column = std::max<int64_t>(offset, 0);
  const int64_t length = std::max<int64_t>(std::min(x.size(a) - row, x.size(b) - column), 0);
  Shape shape = x.shape();
  Strides strides = x.strides();
  const int64_t stride = x.strides()[a] + x.strides()[b];
  const int64_t start = length ? row * x.strides()[a] + column * x.strides()[b] : 0;
  for (const int dim : {std::max(a, b), std::min(a, b)}) {
    shape.erase(dim);
    strides.erase(dim);
  }
  shape.push_back(length);
  strides.push_back(stride);
  return record_view("diagonal", as_view(x, shape, strides, x.offset() + start), x,
                     [from = x.shape(), offset, a, b](const Backward& back) -> Grads {
                       return {diagonal_backward(back.grad(), from, offset, a, b)};
                     });
}

Tensor flip(const Tensor& x, const Shape& dims) {
  Index at;
  for (int64_t size : x.shape()) at.push_back(whole(size));
  for (int64_t dim : dims) {
    const int d = normalize_dim("flip", dim, x.ndim());
    if (x.ndim() && at[static_cast<size_t>(d)].step < 0) {
      throw ValueError("[flip] dim ", d, " is named twice in ", dims);
    }
    if (x.ndim())
      at[static_cast<size_t>(d)] = {.start = x.size(d) - 1, .step = -1, .length = x.size(d)};
  }
  return clone(index(x, at));
}

Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims) {
  if (dims.empty() && shifts.ndim() == 1) {
    return reshape(roll(flatten(x, 0, -1), shifts, {0}), x.shape());
  }
  if (shifts.ndim() != dims.ndim()) {
    throw ValueError("[roll] ", shifts.ndim(), " shifts for ", dims.ndim(), " dims");
  }
  Tensor out = x;
  for (int i = 0; i < dims.ndim(); ++i) {
    const int d = normalize_dim("roll", dims[i], x.ndim());
    const int64_t size = x.ndim() ? x.size(d) : 0;
    const int64_t shift = size ? (shifts[i] % size + size) % size : 0;
    if (shift == 0) continue;
    out = cat({narrow(out, d, size - shift, shift), narrow(out, d, 0, size - shift)}, d);
  }
  return out.same(x) ? clone(x) : out;
}

Tensor repeat(const Tensor& x, const Shape& repeats) {
  const int lead = repeats.ndim() - x.ndim();
  if (lead < 0) {
    throw ValueError("[repeat] ", repeats, " has fewer numbers than ", x.shape(),
                     " has dimensions");
  }
  Shape shape = Shape::filled(lead, 1);
  for (int64_t size : x.shape()) shape.push_back(size);
  Tensor out = x;
  for (int d = 0; d < repeats.ndim(); ++d) {
    if (repeats[d] < 0) throw ValueError("[repeat] negative number in ", repeats);
    if (repeats[d] == 1) continue;
    out = tiled(out, shape, d, repeats[d]);
  }
  return reshape(out.same(x) ? clone(x) : out, shape);
}

namespace {

// x with zeros where column - row is beyond the diagonal.
Tensor triangle(const char* op, const Tensor& x, int64_t diagonal, bool lower) {
  if (x.ndim() < 2) throw ShapeError("[", op, "] needs at least 2 dimensions, got ", x.shape());
  const int64_t rows = x.size(x.ndim() - 2);
  const int64_t columns = x.size(x.ndim() - 1);
  Tensor keep = empty({rows, columns}, Dtype::kBool);
  bool* out = keep.as<bool>();
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      *out++ = lower ? j - i <= diagonal : j - i >= diagonal;
    }
  }
  return where(keep, x, zeros({}, x.dtype()));
}

}  // namespace

Tensor tril(const Tensor& x, int64_t diagonal) { return triangle("tril", x, diagonal, true); }
Tensor triu(const Tensor& x, int64_t diagonal) { return triangle("triu", x, diagonal, false); }

}  // namespace sf
