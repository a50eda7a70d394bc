#include "ops/index.h"

#include <algorithm>

#include "autograd/record.h"
#include "kernels/index.h"
#include "ops/convert.h"
#include "ops/create.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

// The basic part of an index as a view, and for each of its dimensions the tensor that indexes it,
// if any.
struct Parsed {
  Tensor view;
  std::vector<Tensor> tensors;
  bool advanced = false;
};

int64_t wrap_index(int64_t i, int64_t size, int dim) {
  if (i < -size || i >= size) {
    throw IndexError("[index] ", i, " is out of range for dim ", dim, " of size ", size);
  }
  return i < 0 ? i + size : i;
}

std::vector<Tensor> columns_of_mask(const Tensor& mask, const Tensor& x, int dim) {
  for (int i = 0; i < mask.ndim(); ++i) {
    if (dim + i >= x.ndim() || mask.size(i) != x.size(dim + i)) {
      throw IndexError("[index] a mask of shape ", mask.shape(), " does not fit dim ", dim,
                       " and on of a tensor of shape ", x.shape());
    }
  }
  return unbind(nonzero(mask), 1);
}

Parsed parse(const Tensor& x, const Index& index) {
  Shape shape;
  Strides strides;
  int64_t offset = x.offset();
  Parsed out;
  const auto keep = [&](int64_t size, int64_t stride, Tensor tensor) {
    shape.push_back(size);
    strides.push_back(stride);
    out.advanced |= tensor.defined();
    out.tensors.push_back(std::move(tensor));
  };
  int dim = 0;
  for (const IndexItem& item : index) {
    if (item.kind == IndexItem::kNewDim) {
      keep(1, 0, {});
      continue;
    }
    if (item.kind == IndexItem::kTensor && item.tensor.dtype() == Dtype::kBool) {
      for (Tensor& column : columns_of_mask(item.tensor, x, dim)) {
        keep(x.size(dim), x.strides()[dim], std::move(column));
        ++dim;
      }
      continue;
    }
    const int64_t stride = x.strides()[dim];
    if (item.kind == IndexItem::kTensor) {
      keep(x.size(dim), stride, item.tensor);
    } else if (item.kind == IndexItem::kInteger) {
      offset += wrap_index(item.start, x.size(dim), dim) * stride;
    } else {
      if (item.length) offset += item.start * stride;
      keep(item.length, item.length > 1 ? stride * item.step : stride, {});
    }
    ++dim;
  }
  for (; dim < x.ndim(); ++dim) keep(x.size(dim), x.strides()[dim], {});
  out.view = as_view(x, shape, strides, offset);
  return out;
}

// What run_gather_rows and its kin need: rows of the view, one per element of `block`.
struct Rows {
  Array row;
  Tensor offsets;  // int64, contiguous, of shape `block`
  Shape block;     // the index tensors' common shape
  int position;    // where its dimensions go among those of the row
};

Rows rows_of(const Parsed& parsed) {
  const Tensor& view = parsed.view;
  Rows out;
  bool adjacent = true;
  int first = -1;
  int last = -1;
  for (int d = 0; d < view.ndim(); ++d) {
    const Tensor& t = parsed.tensors[static_cast<size_t>(d)];
    if (!t.defined()) {
      out.row.shape.push_back(view.size(d));
      out.row.strides.push_back(view.strides()[d]);
      continue;
    }
    if (!is_integer(t.dtype())) {
      throw IndexError("[index] index tensors are integers or bool masks, got ", t.dtype());
    }
    out.block = broadcast_shapes("index", out.block, t.shape());
    adjacent &= last < 0 || last == d - 1;
    if (first < 0) first = d;
    last = d;
  }
  out.row.data = view.data();
  out.row.dtype = view.dtype();
  // NumPy's rule: index tensors side by side keep their place, others go to the front.
  out.position = adjacent ? first : 0;
  out.offsets = zeros(out.block, Dtype::kInt64);
  auto* offsets = out.offsets.as<int64_t>();
  for (int d = 0; d < view.ndim(); ++d) {
    const Tensor& t = parsed.tensors[static_cast<size_t>(d)];
    if (!t.defined()) continue;
    Tensor spread = empty(out.block, Dtype::kInt64);
    copy_into(spread, t);
    const auto* values = spread.as<int64_t>();
    for (int64_t i = 0; i < spread.numel(); ++i) {
      offsets[i] += wrap_index(values[i], view.size(d), d) * view.strides()[d];
    }
  }
  return out;
}

// t, whose block comes first, with the block's dimensions at their position.
Tensor move_block(const Tensor& t, const Rows& rows) {
  Tensor out = t;
  for (int i = rows.block.ndim() - 1; i >= 0; --i) out = movedim(out, i, i + rows.position);
  return out;
}

Shape block_first_shape(const Rows& rows) {
  Shape shape = rows.block;
  for (int64_t size : rows.row.shape) shape.push_back(size);
  return shape;
}

// The same data with the block's dimensions joined into one.
Array flat_block(const Tensor& block_first, const Rows& rows) {
  Array out = block_first.array();
  out.shape = Shape{rows.block.numel()};
  out.strides = Strides{1};
  int64_t row_numel = 1;
  const int block = rows.block.ndim();
  for (int i = 0; i < rows.row.shape.ndim(); ++i) {
    out.shape.push_back(rows.row.shape[i]);
    out.strides.push_back(block_first.strides()[block + i]);
    row_numel *= rows.row.shape[i];
  }
  out.strides[0] = row_numel;
  return out;
}

Tensor embed(const Tensor& grad, const Shape& shape, const Index& at) {
  Tensor out = zeros(shape, grad.dtype());
  index_put(out, at, grad, true);
  return out;
}

}  // namespace

Tensor index(const Tensor& x, const Index& at) {
  const Parsed parsed = parse(x, at);
  const auto formula = [shape = x.shape(), at](const Backward& b) -> Grads {
    return {embed(b.grad(), shape, at)};
  };
  if (!parsed.advanced) return record_view("index", parsed.view, x, formula);
  const Rows rows = rows_of(parsed);
  Tensor out = empty(block_first_shape(rows), x.dtype());
  run_gather_rows(rows.row, rows.offsets.as<int64_t>(), flat_block(out, rows));
  return record("index", move_block(out, rows), {&x}, {}, formula);
}

namespace {

// x[i] += y in Python changes the view x[i] in place and then puts it back where it lies.
bool is_put_back(const Tensor& x, const Parsed& parsed, const Tensor& value) {
  const Tensor& view = parsed.view;
  return value.storage() == x.storage() && !parsed.advanced && value.shape() == view.shape() &&
         value.strides() == view.strides() && value.offset() == view.offset() &&
         value.dtype() == x.dtype();
}

// The value without leading sizes of 1 that the target lacks.
Tensor fitting(const Tensor& value, const Shape& target) {
  Tensor out = alias(value);
  while (out.ndim() > target.ndim() && out.size(0) == 1) {
    Shape shape = out.shape();
    Strides strides = out.strides();
    shape.erase(0);
    strides.erase(0);
    out = as_view(out, shape, strides, out.offset());
  }
  if (out.ndim() > target.ndim() || broadcast_shapes("index_put", out.shape(), target) != target) {
    throw ShapeError("[index_put] a value of shape ", value.shape(),
                     " does not broadcast to the indexed part of shape ", target);
  }
  return out;
}

void put_basic(const Tensor& view, const Tensor& value, bool accumulate) {
  Tensor source = fitting(value, view.shape());
  if (value.storage() == view.storage()) source = copy_as(source, source.dtype());
  if (!accumulate) return copy_into(view, source);
  Tensor full = empty(view.shape(), view.dtype());
  copy_into(full, source);
  copy_into(view, add_grads(view, full, false));
}

void put_rows(const Parsed& parsed, const Tensor& value, bool accumulate) {
  const Rows rows = rows_of(parsed);
  Tensor block_first = empty(block_first_shape(rows), parsed.view.dtype());
  const Tensor target = move_block(block_first, rows);
  copy_into(target, fitting(value, target.shape()));
  const auto run = accumulate ? &run_scatter_add_rows : &run_scatter_rows;
  run(rows.row, rows.offsets.as<int64_t>(), flat_block(block_first, rows));
}

// The gradients of x and value.
Formula put_formula(const Index& at, const Tensor& value, bool accumulate) {
  return [at, accumulate, shape = value.shape(), dtype = value.dtype()](const Backward& b) {
    Grads grads(2);
    if (b.needs(0)) grads[0] = accumulate ? b.grad() : clone(b.grad());
    if (b.needs(0) && !accumulate) index_put(grads[0], at, zeros({}, b.grad().dtype()));
    if (b.needs(1)) grads[1] = to(sum_to(index(b.grad(), at), shape), dtype);
    return grads;
  };
}

}  // namespace

void index_put(Tensor x, const Index& at, const Tensor& value, bool accumulate) {
  const Parsed parsed = parse(x, at);
  const bool put_back = is_put_back(x, parsed, value);
  TensorImpl& impl = *x.impl();
  if (put_back && GradMode::enabled() && requires_grad(value) &&
      impl.recorded_changes_seen + 1 == x.storage()->recorded_changes()) {
    impl.recorded_changes_seen = x.storage()->recorded_changes();  // what lags is what is put back
  }
  const Tensor* inputs[] = {&x, &value};
  check_inplace("index_put", x, inputs);
  if (!can_store(value.dtype(), x.dtype())) {
    throw DtypeError("[index_put] values of dtype ", value.dtype(),
                     " cannot be stored in a tensor of dtype ", x.dtype(), "; convert them first");
  }
  if (parsed.advanced) {
    put_rows(parsed, value, accumulate);
  } else if (!put_back) {
    put_basic(parsed.view, value, accumulate);
  }
  finish_inplace("index_put", x, inputs, {}, put_formula(at, value, accumulate));
}

Tensor nonzero(const Tensor& x) {
  const Tensor mask = contiguous_as(x, Dtype::kBool);
  const bool* values = mask.as<bool>();
  const int64_t count = std::count(values, values + mask.numel(), true);
  Tensor out = empty({count, x.ndim()}, Dtype::kInt64);
  auto* row = out.as<int64_t>();
  for (int64_t i = 0; i < mask.numel(); ++i) {
    if (!values[i]) continue;
    int64_t rest = i;
    for (int d = x.ndim() - 1; d >= 0; --d) {
      row[d] = rest % x.size(d);
      rest /= x.size(d);
    }
    row += x.ndim();
  }
  return out;
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  if (mask.dtype() != Dtype::kBool) {
    throw DtypeError("[masked_select] the mask must be bool, got ", mask.dtype());
  }
  const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  return index(expand(x, shape), {{.kind = IndexItem::kTensor, .tensor = expand(mask, shape)}});
}

namespace {

// An index along one dimension holds integers in [0, size): unlike x[...], these ops refuse to
// count from the end, as PyTorch's do.
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

// The Index that reads x along `dim` at `index`, at the same place along the others.
Index along(const char* op, const Tensor& x, int64_t dim, const Tensor& index) {
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
    Tensor position = empty(shape, Dtype::kInt64);
    for (int64_t k = 0; k < index.size(i); ++k) position.as<int64_t>()[k] = k;
    at.push_back({.kind = IndexItem::kTensor, .tensor = position});
  }
  return at;
}

// 0-d tensors are indexed as if they had one dimension of size 1.
Tensor at_least_1d(const Tensor& t) { return t.ndim() ? t : reshape(t, {1}); }

Tensor scatter_into(const char* op, const Tensor& x, int64_t dim, const Tensor& index,
                    const Tensor& source, bool accumulate) {
  const Tensor base = at_least_1d(x);
  const Tensor places = at_least_1d(index);
  Tensor values = at_least_1d(source);
  const Index at = along(op, base, dim, places);
  if (source.numel() != 1 || source.ndim() != 0) {
    Index front;
    for (int i = 0; i < places.ndim(); ++i) {
      if (values.ndim() != places.ndim() || values.size(i) < places.size(i)) {
        throw ShapeError("[", op, "] a source of shape ", source.shape(),
                         " is smaller than the index of shape ", index.shape());
      }
      front.push_back({.length = places.size(i)});
    }
    values = sf::index(values, front);
  }
  Tensor out = clone(base);
  index_put(out, at, values, accumulate);
  return x.ndim() ? out : reshape(out, {});
}

}  // namespace

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  if (index.ndim() > 1) {
    throw ShapeError("[index_select] the index must have one dimension, got ", index.shape());
  }
  const int d = normalize_dim("index_select", dim, x.ndim());
  check_along("index_select", index, x, d);
  Index at;
  for (int i = 0; i < d; ++i) at.push_back({.length = x.size(i)});
  at.push_back({.kind = IndexItem::kTensor, .tensor = at_least_1d(index)});
  const Tensor out = sf::index(at_least_1d(x), at);
  return x.ndim() ? out : reshape(out, {});
}

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  const Tensor places = at_least_1d(index);
  const Tensor out = sf::index(at_least_1d(x), along("gather", at_least_1d(x), dim, places));
  return index.ndim() ? out : reshape(out, {});
}

Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return scatter_into("scatter_add", x, dim, index, source, true);
}
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return scatter_into("scatter", x, dim, index, source, false);
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, int64_t dim) {
  const int d = normalize_dim("take_along_dim", dim, x.ndim());
  Shape shape = broadcast_shapes("take_along_dim", x.shape(), [&] {
    Shape other = index.shape();
    if (other.ndim() == x.ndim() && x.ndim()) other[d] = x.size(d);
    return other;
  }());
  Shape places = shape;
  if (x.ndim()) places[d] = index.size(d);
  return gather(expand(x, shape), d, expand(index, places));
}

}  // namespace sf
