#include "ops/shape.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "autograd/record.h"
#include "ops/convert.h"
#include "ops/reduce.h"
#include "tensor/create.h"

namespace sf {
namespace {

// `wanted` with its -1 replaced by what is left over.
Shape infer_shape(const char* op, const Tensor& x, const Shape& wanted) {
  Shape shape = wanted;
  int unknown = -1;
  int64_t known = 1;
  bool overflow = false;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (shape[i] == -1 && unknown < 0) {
      unknown = i;
    } else if (shape[i] < 0) {
      throw ValueError("[", op, "] shape ", wanted, ": sizes are >= 0, and one of them may be -1");
    } else {
      overflow |= __builtin_mul_overflow(known, shape[i], &known);
    }
  }
  if (unknown >= 0 && known > 0 && !overflow && x.numel() % known == 0) {
    shape[unknown] = x.numel() / known;
    known = x.numel();
  }
  if (overflow || known != x.numel() || (unknown >= 0 && shape[unknown] < 0)) {
    throw ShapeError("[", op, "] a tensor of shape ", x.shape(), " has ", x.numel(),
                     " elements, which do not fit shape ", wanted);
  }
  return shape;
}

// Strides that read x's memory as `shape`; nothing if no such strides exist. Dimensions that lie
// together in memory form a run, which may be cut at will; sizes of 1 belong anywhere.
std::optional<Strides> strides_for(const Tensor& x, const Shape& shape) {
  if (x.numel() == 0) return contiguous_strides(shape);
  Strides out = Shape::filled(shape.ndim(), 1);
  int target = shape.ndim() - 1;
  for (int dim = x.ndim() - 1; dim >= 0; --dim) {
    if (x.size(dim) == 1) continue;
    int64_t stride = x.strides()[dim];
    int64_t run = x.size(dim);
    while (dim > 0 && (x.size(dim - 1) == 1 || x.strides()[dim - 1] == stride * run)) {
      run *= x.size(--dim);
    }
    for (; target >= 0 && run % shape[target] == 0 && run > 1; --target) {
      out[target] = stride;
      stride *= shape[target];
      run /= shape[target];
    }
    if (run > 1) return std::nullopt;
  }
  return out;  // what is left of `shape` has size 1: the element counts agree
}

Tensor record_reshape(const char* op, const Tensor& x, Tensor out) {
  return record_view(op, std::move(out), x, [shape = x.shape()](const Backward& b) -> Grads {
    return {reshape(b.grad(), shape)};
  });
}

// Each dim once, as its position; ValueError for repeats.
Shape normalize_dims(const char* op, const Shape& dims, int ndim) {
  Shape out;
  for (int64_t dim : dims) {
    const int d = normalize_dim(op, dim, ndim);
    if (std::find(out.begin(), out.end(), d) != out.end()) {
      throw ValueError("[", op, "] dim ", dim, " appears twice in ", dims);
    }
    out.push_back(d);
  }
  return out;
}

}  // namespace

Tensor view(const Tensor& x, const Shape& wanted) {
  const Shape shape = infer_shape("view", x, wanted);
  const auto strides = strides_for(x, shape);
  if (!strides) {
    throw RuntimeError("[view] shape ", x.shape(), " with strides ", x.strides(),
                       " cannot be read as ", shape, " without copying; use reshape()");
  }
  return record_reshape("view", x, as_view(x, shape, *strides, x.offset()));
}

Tensor reshape(const Tensor& x, const Shape& wanted) {
  const Shape shape = infer_shape("reshape", x, wanted);
  if (const auto strides = strides_for(x, shape)) {
    return record_reshape("reshape", x, as_view(x, shape, *strides, x.offset()));
  }
  return view(clone(x), shape);
}

Tensor flatten(const Tensor& x, int64_t start_dim, int64_t end_dim) {
  const int start = normalize_dim("flatten", start_dim, x.ndim());
  const int end = normalize_dim("flatten", end_dim, x.ndim());
  if (start > end) {
    throw ValueError("[flatten] start_dim ", start_dim, " lies behind end_dim ", end_dim);
  }
  if (x.ndim() == 0) return reshape(x, {1});
  Shape shape;
  for (int i = 0; i <= start; ++i) shape.push_back(x.size(i));
  for (int i = start + 1; i <= end; ++i) shape[start] *= x.size(i);
  for (int i = end + 1; i < x.ndim(); ++i) shape.push_back(x.size(i));
  return reshape(x, shape);
}

Tensor unflatten(const Tensor& x, int64_t dim, const Shape& sizes) {
  const int d = normalize_dim("unflatten", dim, x.ndim());
  Shape shape;
  for (int i = 0; i < d; ++i) shape.push_back(x.size(i));
  for (int64_t size : sizes) shape.push_back(size);
  for (int i = d + 1; i < x.ndim(); ++i) shape.push_back(x.size(i));
  return reshape(x, shape);
}

Tensor permute(const Tensor& x, const Shape& dims) {
  const Shape order = normalize_dims("permute", dims, x.ndim());
  if (order.ndim() != x.ndim()) {
    throw ValueError("[permute] dims ", dims, " must name each of the ", x.ndim(),
                     " dimensions of shape ", x.shape(), " once");
  }
  Shape shape = x.shape();
  Strides strides = x.strides();
  Shape inverse = x.shape();
  for (int i = 0; i < order.ndim(); ++i) {
    const int from = static_cast<int>(order[i]);
    shape[i] = x.size(from);
    strides[i] = x.strides()[from];
    inverse[from] = i;
  }
  return record_view(
      "permute", as_view(x, shape, strides, x.offset()), x,
      [inverse](const Backward& b) -> Grads { return {permute(b.grad(), inverse)}; });
}

namespace {

Shape identity_order(int ndim) {
  Shape order = Shape::filled(ndim, 0);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

}  // namespace

Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1) {
  if (x.ndim() == 0) return permute(x, {});
  Shape order = identity_order(x.ndim());
  std::swap(order[normalize_dim("transpose", dim0, x.ndim())],
            order[normalize_dim("transpose", dim1, x.ndim())]);
  return permute(x, order);
}

Tensor matrix_transpose(const Tensor& x) { return transpose(x, -2, -1); }

Tensor movedim(const Tensor& x, int64_t source, int64_t destination) {
  const int from = normalize_dim("movedim", source, x.ndim());
  const int to = normalize_dim("movedim", destination, x.ndim());
  Shape order = identity_order(x.ndim());
  order.erase(from);
  order.insert(to, from);
  return permute(x, order);
}

Tensor expand(const Tensor& x, const Shape& wanted) {
  Shape shape = wanted;
  const int lead = shape.ndim() - x.ndim();
  for (int i = 0; i < shape.ndim(); ++i) {
    if (shape[i] == -1 && i >= lead) shape[i] = x.size(i - lead);
    const int64_t size = i >= lead && lead >= 0 ? x.size(i - lead) : 1;
    if (shape[i] < 0 || lead < 0 || (size != shape[i] && size != 1)) {
      throw ShapeError("[expand] ", x.shape(), " to ", wanted, ": only dimensions of size 1 can ",
                       "be repeated, and new ones come first; use repeat() to tile");
    }
  }
  if (lead < 0) {
    throw ShapeError("[expand] ", x.shape(), " to ", wanted, ": the result has fewer dimensions");
  }
  checked_bytes("expand", shape, size_of(x.dtype()));
  return record_view(
      "expand", as_view(x, shape, broadcast_strides(x.shape(), x.strides(), shape), x.offset()), x,
      [from = x.shape()](const Backward& b) -> Grads { return {sum_to(b.grad(), from)}; });
}

Tensor squeeze(const Tensor& x) {
  Shape dims;
  for (int i = 0; i < x.ndim(); ++i) {
    if (x.size(i) == 1) dims.push_back(i);
  }
  return squeeze(x, dims);
}

Tensor squeeze(const Tensor& x, const Shape& dims) {
  const Shape which = normalize_dims("squeeze", dims, x.ndim());
  Shape shape;
  Strides strides;
  for (int i = 0; i < x.ndim(); ++i) {
    if (x.size(i) == 1 && std::find(which.begin(), which.end(), i) != which.end()) continue;
    shape.push_back(x.size(i));
    strides.push_back(x.strides()[i]);
  }
  return record_reshape("squeeze", x, as_view(x, shape, strides, x.offset()));
}

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  const int d = normalize_dim("unsqueeze", dim, x.ndim() + 1);
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.insert(d, 1);
  strides.insert(d, 1);
  return record_reshape("unsqueeze", x, as_view(x, shape, strides, x.offset()));
}

}  // namespace sf
