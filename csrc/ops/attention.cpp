#include "ops/attention.h"

#include <cmath>

#include "ops/matmul.h"
#include "ops/operators.h"
#include "ops/random.h"
#include "ops/shape.h"
#include "ops/softmax.h"

namespace sf {
namespace {

void check_pair(const char* op, const Tensor& query, const Tensor& key) {
  if (query.ndim() < 2 || key.ndim() < 2) {
    throw ShapeError("[", op, "] query and key must be (..., length, features), got ",
                     query.shape(), " and ", key.shape());
  }
  if (query.shape().back() != key.shape().back()) {
    throw ShapeError("[", op, "] query ", query.shape(), " and key ", key.shape(),
                     ": both need the same number of features, got ", query.shape().back(), " and ",
                     key.shape().back());
  }
  if (!is_floating(query.dtype()) || query.dtype() != key.dtype()) {
    throw DtypeError("[", op, "] query and key must both be float32 or both float64, got ",
                     query.dtype(), " and ", key.dtype());
  }
}

void check_mask(const char* op, const AttentionOptions& options, const Shape& scores) {
  const Tensor& mask = options.mask;
  if (!mask.defined()) return;
  if (options.is_causal) {
    throw ValueError("[", op, "] give attn_mask or is_causal=True, not both");
  }
  if (mask.dtype() != Dtype::kBool && !is_floating(mask.dtype())) {
    throw DtypeError("[", op, "] attn_mask must be bool, True where a query may look, or of a ",
                     "floating dtype, to be added to the scores; got ", mask.dtype());
  }
  bool fits = mask.ndim() <= scores.ndim();
  for (int d = 1; fits && d <= mask.ndim(); ++d) {
    const int64_t size = mask.size(mask.ndim() - d);
    fits = size == 1 || size == scores[scores.ndim() - d];
  }
  if (fits) return;
  throw ShapeError("[", op, "] attn_mask ", mask.shape(), " does not broadcast to the scores ",
                   scores, ", which are (..., queries, keys)");
}

// (..., heads, S, E) with each head repeated in place so that there are `heads` of them.
Tensor repeated_heads(const char* op, const Tensor& x, const Tensor& query) {
  if (x.ndim() < 3 || query.ndim() < 3) {
    throw ShapeError("[", op, "] enable_gqa needs (..., heads, length, features), got ",
                     query.shape(), " and ", x.shape());
  }
  const int at = x.ndim() - 3;
  const int64_t heads = query.size(query.ndim() - 3), own = x.size(at);
  if (own == 0 || heads % own != 0) {
    throw ShapeError("[", op, "] enable_gqa: ", heads, " heads of query ", query.shape(),
                     " cannot be divided among the ", own, " heads of ", x.shape());
  }
  Shape wide = x.shape(), joined = x.shape();
  wide.insert(at + 1, heads / own);
  joined[at] = heads;
  return reshape(expand(unsqueeze(x, at + 1), wide), joined);
}

Shape scores_shape(const char* op, const Tensor& query, const Tensor& key) {
  Shape q = query.shape(), k = key.shape();
  const int64_t rows = q[q.ndim() - 2], columns = k[k.ndim() - 2];
  for (Shape* shape : {&q, &k}) {
    shape->erase(shape->ndim() - 1);
    shape->erase(shape->ndim() - 1);
  }
  Shape out = broadcast_shapes(op, q, k);
  out.push_back(rows);
  out.push_back(columns);
  return out;
}

Tensor weights_of(const char* op, const Tensor& query, const Tensor& key,
                  const AttentionOptions& options) {
  check_pair(op, query, key);
  const Shape shape = scores_shape(op, query, key);
  check_mask(op, options, shape);
  const double scale =
      options.scale.value_or(1 / std::sqrt(static_cast<double>(query.shape().back())));
  const Tensor scores = matmul(query * scale, matrix_transpose(key));
  if (options.is_causal) return causal_softmax(scores);
  return options.mask.defined() ? masked_softmax(scores, options.mask) : softmax(scores, -1);
}

}  // namespace

Tensor attention_weights(const Tensor& query, const Tensor& key, const AttentionOptions& options) {
  constexpr const char* kOp = "attention_weights";
  return weights_of(kOp, query, options.enable_gqa ? repeated_heads(kOp, key, query) : key,
                    options);
}

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options, double dropout_p,
                                    Generator& generator) {
  constexpr const char* kOp = "scaled_dot_product_attention";
  if (value.ndim() < 2 || key.ndim() < 2 ||
      value.size(value.ndim() - 2) != key.size(key.ndim() - 2)) {
    throw ShapeError("[", kOp, "] key ", key.shape(), " and value ", value.shape(),
                     " must be (..., length, features) of the same length");
  }
  if (value.dtype() != query.dtype()) {
    throw DtypeError("[", kOp, "] value is ", value.dtype(), ", query is ", query.dtype(),
                     ": all must have the same dtype");
  }
  const auto wide = [&](const Tensor& x) {
    return options.enable_gqa ? repeated_heads(kOp, x, query) : x;
  };
  Tensor weights = weights_of(kOp, query, wide(key), options);
  if (dropout_p != 0) weights = dropout(weights, dropout_p, true, Scaling::kTrain, generator);
  return matmul(weights, wide(value));
}

}  // namespace sf
