#include "ops/index.h"

#include <algorithm>

#include "autograd/record.h"
#include "ops/convert.h"
#include "ops/create.h"
#include "ops/inplace.h"
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
  index_put(out, at, grad, Put::kAdd);
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

void put_basic(const Tensor& view, const Tensor& value, Put how) {
  Tensor source = fitting(value, view.shape());
  if (value.storage() == view.storage()) source = copy_as(source, source.dtype());
  if (how == Put::kSet) return copy_into(view, source);
  Tensor full = empty(view.shape(), view.dtype());
  copy_into(full, source);
  copy_into(view, add_grads(view, full, false));
}

void put_rows(const Parsed& parsed, const Tensor& value, Put how) {
  const Rows rows = rows_of(parsed);
  Tensor block_first = empty(block_first_shape(rows), parsed.view.dtype());
  const Tensor target = move_block(block_first, rows);
  copy_into(target, fitting(value, target.shape()));
  run_scatter_rows(rows.row, rows.offsets.as<int64_t>(), flat_block(block_first, rows), how);
}

// The gradients of x and value.
Formula put_formula(const Index& at, const Tensor& value, bool adds) {
  return [at, adds, shape = value.shape(), dtype = value.dtype()](const Backward& b) {
    Grads grads(2);
    if (b.needs(0)) grads[0] = adds ? b.grad() : clone(b.grad());
    if (b.needs(0) && !adds) index_put(grads[0], at, zeros({}, b.grad().dtype()));
    if (b.needs(1)) grads[1] = to(sum_to(index(b.grad(), at), shape), dtype);
    return grads;
  };
}

}  // namespace

void index_put(Tensor x, const Index& at, const Tensor& value, Put how, const char* op) {
  const Parsed parsed = parse(x, at);
  const bool put_back = is_put_back(x, parsed, value);
  TensorImpl& impl = *x.impl();
  if (put_back && GradMode::enabled() && requires_grad(value) &&
      impl.recorded_changes_seen + 1 == x.storage()->recorded_changes()) {
    impl.recorded_changes_seen = x.storage()->recorded_changes();  // what lags is what is put back
  }
  const Tensor* inputs[] = {&x, &value};
  check_inplace(op, x, inputs);
  if (!can_store(value.dtype(), x.dtype())) {
    throw DtypeError("[", op, "] values of dtype ", value.dtype(),
                     " cannot be stored in a tensor of dtype ", x.dtype(), "; convert them first");
  }
  if (parsed.advanced) {
    put_rows(parsed, value, how);
  } else if (!put_back) {
    put_basic(parsed.view, value, how);
  }
  finish_inplace(op, x, inputs, {}, put_formula(at, value, how == Put::kAdd));
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

std::vector<Tensor> nonzero_tuple(const Tensor& x) {
  return unbind(nonzero(x.ndim() ? x : reshape(x, {1})), 1);
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  if (mask.dtype() != Dtype::kBool) {
    throw DtypeError("[masked_select] the mask must be bool, got ", mask.dtype());
  }
  const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  return index(expand(x, shape), {{.kind = IndexItem::kTensor, .tensor = expand(mask, shape)}});
}

namespace {

// The masked elements of `self`, which has one dimension or more, replaced.
Tensor put_masked(const char* op, Tensor self, const Tensor& mask, const Tensor& source) {
  if (mask.dtype() != Dtype::kBool) {
    throw DtypeError("[", op, "] the mask must be bool, got ", mask.dtype());
  }
  const Tensor places = expand(mask, self.shape());
  const int64_t count = item_as_int(sum(places));
  if (source.numel() < count) {
    throw ShapeError("[", op, "] the mask chooses ", count, " elements, the source of shape ",
                     source.shape(), " has ", source.numel());
  }
  const Tensor values = narrow(reshape(source, {-1}), 0, 0, count);
  index_put(self, {{.kind = IndexItem::kTensor, .tensor = places}}, values, Put::kSet, op);
  return self;
}

}  // namespace

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  const Shape shape = broadcast_shapes("masked_scatter", x.shape(), mask.shape());
  const Tensor wide = shape.ndim() ? expand(x, shape) : reshape(x, {1});
  return reshape(put_masked("masked_scatter", clone(wide), mask, source), shape);
}

Tensor masked_scatter_(Tensor self, const Tensor& mask, const Tensor& source) {
  constexpr const char* kOp = "masked_scatter_";
  if (self.ndim()) return put_masked(kOp, self, mask, source);
  return store_(kOp, self, masked_scatter(old_value(kOp, self, {source}), mask, source));
}

}  // namespace sf
