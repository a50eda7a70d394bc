#include "ops/scatter.h"

#include "ops/convert.h"
#include "ops/create.h"
#include "ops/inplace.h"
#include "ops/operators.h"
#include "ops/scatter_support.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

void check_along(const char* op, const Tensor& index, const Tensor& x, int dim) {
  if (index.dtype() != Dtype::kInt64 && index.dtype() != Dtype::kInt32) {
    throw DtypeError("[", op, "] the index must be int64 or int32, got ", index.dtype());
  }
  const Tensor plain = contiguous_as(index, Dtype::kInt64);
  const int64_t size = x.ndim() ? x.size(dim) : 1;
  for (int64_t k = 0; k < plain.numel(); ++k) {
    const int64_t i = plain.as<int64_t>()[k];
    if (i >= 0 && i < size) continue;
    throw IndexError("[", op, "] index ", i, " (element ", k, " of the index) is out of range for ",
                     "dim ", dim, " of size ", size, ": use 0 to ", size - 1);
  }
}

// The Index of the slices of `dim` that a 1-d index names.
Index slices_along(const char* op, const Tensor& x, int d, const Tensor& index) {
  if (index.ndim() > 1) {
    throw ShapeError("[", op, "] the index must have one dimension, got ", index.shape());
  }
  check_along(op, index, x, d);
  Index at;
  for (int i = 0; i < d; ++i) at.push_back({.length = x.size(i)});
  at.push_back({.kind = IndexItem::kTensor, .tensor = at_least_1d(index)});
  return at;
}

// Puts a source, or one number, into `target` at `index` along dim.
Tensor put_along(const char* op, const Tensor& target, int64_t dim, const Tensor& index,
                 const Tensor& source, Put how) {
  const Tensor base = at_least_1d(target), places = at_least_1d(index);
  const Index at = index_along(op, base, dim, places);
  const Tensor values = source.ndim() ? first_part(op, source, places) : source;
  index_put(base, at, values, how, op);
  return target.ndim() ? target : reshape(base, {});
}

// Puts slices of a source, or one number, into `target` at a 1-d index along dim.
Tensor put_slices(const char* op, const Tensor& target, int64_t dim, const Tensor& index,
                  const Tensor& source, Put how, bool number) {
  const Tensor base = at_least_1d(target);
  const int d = normalize_dim(op, dim, base.ndim());
  const Index at = slices_along(op, base, d, index);
  Shape shape = base.shape();
  shape[d] = index.numel();
  const Tensor values = number ? source : at_least_1d(source);
  if (number ? source.ndim() != 0 : values.shape() != shape) {
    if (number) throw ShapeError("[", op, "] the value must be a number, got ", source.shape());
    throw ShapeError("[", op, "] a source of shape ", source.shape(), " for ", index.numel(),
                     " slices of ", target.shape(), " along dim ", d, ": it must be ", shape);
  }
  index_put(base, at, values, how, op);
  return target.ndim() ? target : reshape(base, {});
}

// Runs `put` on self, a 0-d one through a copy, whose history it then takes.
template <class F>
Tensor in_place(const char* op, const Tensor& self, const Tensor& source, const F& put) {
  if (self.ndim()) return put(self);
  return store_(op, self, put(clone(old_value(op, self, {source}))));
}

}  // namespace

Tensor at_least_1d(const Tensor& t) { return t.ndim() ? t : reshape(t, {1}); }

Index index_along(const char* op, const Tensor& x, int64_t dim, const Tensor& index) {
  const int d = normalize_dim(op, dim, x.ndim());
  check_along(op, index, x, d);
  if (index.ndim() != x.ndim()) {
    throw ShapeError("[", op, "] an index of shape ", index.shape(), " for a tensor of shape ",
                     x.shape(), ": both need the same number of dimensions");
  }
  Index at;
  for (int i = 0; i < x.ndim(); ++i) {
    if (i == d) {
      at.push_back({.kind = IndexItem::kTensor, .tensor = index});
      continue;
    }
    if (index.size(i) > x.size(i)) {
      throw ShapeError("[", op, "] the index of shape ", index.shape(), " is larger than ",
                       x.shape(), " along dim ", i);
    }
    Shape shape = Shape::filled(x.ndim(), 1);
    shape[i] = index.size(i);
    at.push_back({.kind = IndexItem::kTensor,
                  .tensor = reshape(arange_int(0, index.size(i), 1, Dtype::kInt64), shape)});
  }
  return at;
}

Tensor first_part(const char* op, const Tensor& source, const Tensor& index) {
  const Tensor values = at_least_1d(source);
  Index front;
  for (int i = 0; i < index.ndim(); ++i) {
    if (values.ndim() != index.ndim() || values.size(i) < index.size(i)) {
      throw ShapeError("[", op, "] a source of shape ", source.shape(),
                       " is smaller than the index of shape ", index.shape());
    }
    front.push_back({.length = index.size(i)});
  }
  return sf::index(values, front);
}

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  const Tensor base = at_least_1d(x);
  const int d = normalize_dim("index_select", dim, base.ndim());
  const Tensor out = sf::index(base, slices_along("index_select", base, d, index));
  return x.ndim() ? out : reshape(out, {});
}

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  const Tensor places = at_least_1d(index);
  const Tensor out = sf::index(at_least_1d(x), index_along("gather", at_least_1d(x), dim, places));
  return index.ndim() ? out : reshape(out, {});
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, int64_t dim) {
  const int d = normalize_dim("take_along_dim", dim, x.ndim());
  if (index.ndim() != x.ndim()) {
    throw ShapeError("[take_along_dim] indices of shape ", index.shape(), " for a tensor of shape ",
                     x.shape(), ": both need the same number of dimensions");
  }
  Shape shape = broadcast_shapes("take_along_dim", x.shape(), [&] {
    Shape other = index.shape();
    if (x.ndim()) other[d] = x.size(d);
    return other;
  }());
  Shape places = shape;
  if (x.ndim()) places[d] = index.size(d);
  return gather(expand(x, shape), d, expand(index, places));
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return put_along("scatter", clone(x), dim, index, source, Put::kSet);
}
Tensor scatter_(Tensor self, int64_t dim, const Tensor& index, const Tensor& source) {
  return in_place("scatter_", self, source, [&](const Tensor& t) {
    return put_along("scatter_", t, dim, index, source, Put::kSet);
  });
}

Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return put_along("scatter_add", clone(x), dim, index, source, Put::kAdd);
}
Tensor scatter_add_(Tensor self, int64_t dim, const Tensor& index, const Tensor& source) {
  return in_place("scatter_add_", self, source, [&](const Tensor& t) {
    return put_along("scatter_add_", t, dim, index, source, Put::kAdd);
  });
}

Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                 double alpha) {
  const Tensor added = alpha == 1 ? source : source * alpha;
  return put_slices("index_add", clone(x), dim, index, added, Put::kAdd, false);
}
Tensor index_add_(Tensor self, int64_t dim, const Tensor& index, const Tensor& source,
                  double alpha) {
  const Tensor added = alpha == 1 ? source : source * alpha;
  return in_place("index_add_", self, source, [&](const Tensor& t) {
    return put_slices("index_add_", t, dim, index, added, Put::kAdd, false);
  });
}

Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return put_slices("index_copy", clone(x), dim, index, source, Put::kSet, false);
}
Tensor index_copy_(Tensor self, int64_t dim, const Tensor& index, const Tensor& source) {
  return in_place("index_copy_", self, source, [&](const Tensor& t) {
    return put_slices("index_copy_", t, dim, index, source, Put::kSet, false);
  });
}

Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& value) {
  return put_slices("index_fill", clone(x), dim, index, value, Put::kSet, true);
}
Tensor index_fill_(Tensor self, int64_t dim, const Tensor& index, const Tensor& value) {
  return in_place("index_fill_", self, value, [&](const Tensor& t) {
    return put_slices("index_fill_", t, dim, index, value, Put::kSet, true);
  });
}

}  // namespace sf
