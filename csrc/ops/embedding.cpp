#include "ops/embedding.h"

#include <algorithm>
#include <vector>

#include "autograd/record.h"
#include "kernels/index.h"
#include "ops/convert.h"
#include "ops/embedding_support.h"
#include "ops/index.h"
#include "ops/operators.h"
#include "ops/reduce.h"
#include "ops/scatter.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

// Where rows begin in a table, by their numbers.
Tensor offsets_of(const Tensor& at, int64_t stride) {
  Tensor out = empty({at.numel()}, Dtype::kInt64);
  const auto* from = at.as<int64_t>();
  std::transform(from, from + at.numel(), out.as<int64_t>(),
                 [stride](int64_t i) { return i < 0 ? kNoRow : i * stride; });
  return out;
}

Array row_of(const Tensor& table) {
  return {table.data(), {table.size(1)}, {table.strides()[1]}, table.dtype()};
}

// The position of element k of a tensor of this shape.
Shape place_of(int64_t k, const Shape& shape) {
  Shape out = shape;
  for (int d = shape.ndim() - 1; d >= 0; --d) {
    out[d] = k % shape[d];
    k /= shape[d];
  }
  return out;
}

void check_table(const char* op, const Tensor& indices, const Tensor& weight) {
  if (weight.ndim() != 2) {
    throw ShapeError("[", op, "] weight must be (num_embeddings, embedding_dim), got ",
                     weight.shape());
  }
  if (!is_integer(indices.dtype())) {
    throw DtypeError("[", op, "] indices must be integers, got ", indices.dtype(),
                     "; write input.long(), and mind the order: input first, then weight");
  }
}

// The numbers as contiguous int64 (N), all of them in [0, rows).
Tensor checked_numbers(const char* op, const Tensor& indices, int64_t rows) {
  const Tensor numbers = contiguous_as(indices, Dtype::kInt64);
  const auto* value = numbers.as<int64_t>();
  for (int64_t k = 0; k < numbers.numel(); ++k) {
    if (value[k] >= 0 && value[k] < rows) continue;
    throw IndexError("[", op, "] index ", value[k], " at ", place_of(k, indices.shape()),
                     " is out of range for ", rows, " embeddings: use 0 to ", rows - 1);
  }
  return as_view(numbers, {numbers.numel()}, {1}, numbers.offset());
}

int64_t checked_padding(const char* op, int64_t padding, int64_t rows) {
  if (padding < -rows || padding >= rows) {
    throw ValueError("[", op, "] padding_idx must lie in [-", rows, ", ", rows, "), as there are ",
                     rows, " embeddings, got ", padding);
  }
  return padding < 0 ? padding + rows : padding;
}

// (N, 1): one over how often each number occurs.
Tensor inverse_frequency(const Tensor& numbers, Dtype dtype) {
  const Tensor counts = index_select(bincount(numbers, {}, 0), 0, numbers);
  return reshape(full({}, 1, dtype) / to(counts, dtype), {numbers.numel(), 1});
}

// Rows of these numbers that are longer than max_norm get that length, in place, without history.
void limit_norms(const Tensor& weight, const Tensor& numbers, double max_norm, double norm_type) {
  const GradModeGuard no_grad(false);
  const auto* first = numbers.as<int64_t>();
  std::vector<int64_t> rows(first, first + numbers.numel());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  Tensor at = empty({static_cast<int64_t>(rows.size())}, Dtype::kInt64);
  std::copy(rows.begin(), rows.end(), at.as<int64_t>());
  const Tensor table = detach(weight), used = picked(table, {at, at});
  const Tensor length = norm(used, norm_type, Shape{1}, true);
  const Tensor too_long = reshape(length > max_norm, {at.numel()});
  const Tensor chosen = masked_select(at, too_long);
  if (chosen.numel() == 0) return;
  const Tensor scaled = used * (number_like(length, max_norm) / (length + 1e-7));
  const IndexItem keep{.kind = IndexItem::kTensor, .tensor = too_long};
  const IndexItem where_to{.kind = IndexItem::kTensor, .tensor = chosen};
  index_put(table, {where_to}, index(scaled, {keep}), Put::kSet, "embedding");
}

}  // namespace

Tensor picked(const Tensor& table, const Lookup& lookup) {
  Tensor out = empty({lookup.at.numel(), table.size(1)}, table.dtype());
  const Tensor offsets = offsets_of(lookup.at, table.strides()[0]);
  run_gather_rows(row_of(table), offsets.as<int64_t>(), out.array());
  const Tensor& back = lookup.back.defined() ? lookup.back : lookup.at;
  return record("embedding", out, {&table}, {&back, &lookup.scale},
                [rows = table.size(0)](const Backward& b) -> Grads {
                  const Tensor g = b.grad(), scale = b.saved(1);
                  return {placed(scale.defined() ? g * scale : g, b.saved(0), rows)};
                });
}

Tensor placed(const Tensor& g, const Tensor& at, int64_t rows) {
  Tensor out = zeros({rows, g.size(1)}, g.dtype());
  const Tensor offsets = offsets_of(at, out.strides()[0]);
  run_scatter_rows(row_of(out), offsets.as<int64_t>(), g.array(), Put::kAdd);
  return record("embedding_backward", out, {&g}, {&at},
                [](const Backward& b) -> Grads { return {picked(b.grad(), {b.saved(0)})}; });
}

Lookup prepared_lookup(const char* op, const Tensor& indices, const Tensor& weight,
                       const EmbeddingOptions& options) {
  check_table(op, indices, weight);
  const int64_t rows = weight.size(0);
  Lookup out{checked_numbers(op, indices, rows)};
  if (options.padding_idx) {
    const int64_t padding = checked_padding(op, *options.padding_idx, rows);
    const Tensor is_padding = eq(out.at, full_int({}, padding, Dtype::kInt64));
    out.back = where(is_padding, full_int({}, -1, Dtype::kInt64), out.at);
  }
  if (options.scale_grad_by_freq) out.scale = inverse_frequency(out.at, weight.dtype());
  if (options.max_norm) {
    if (!(*options.max_norm >= 0)) {
      throw ValueError("[", op, "] max_norm must not be negative, got ", *options.max_norm);
    }
    limit_norms(weight, out.at, *options.max_norm, options.norm_type);
  }
  return out;
}

Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options) {
  const Lookup lookup = prepared_lookup("embedding", indices, weight, options);
  Shape shape = indices.shape();
  shape.push_back(weight.size(1));
  return reshape(picked(weight, lookup), shape);
}

}  // namespace sf
