// Embeddings and attention, in the signatures of torch.nn.functional.
#include "bind/op.h"
#include "ops/attention.h"
#include "ops/embedding.h"

namespace sf::bind {
namespace {

using MaybeTensor = std::optional<Tensor>;

void check_sparse(const char* op, bool sparse) {
  if (!sparse) return;
  throw NotImplementedError("[", op, "] sparse=True: there are no sparse gradients; leave it out, ",
                            "and use Adagrad.step_rows where only used rows shall move");
}

Tensor call_embedding(const Tensor& input, const Tensor& weight, std::optional<int64_t> padding_idx,
                      std::optional<double> max_norm, double norm_type, bool scale_grad_by_freq,
                      bool sparse) {
  check_sparse("embedding", sparse);
  return embedding(input, weight, {padding_idx, max_norm, norm_type, scale_grad_by_freq});
}

BagOptions::Mode mode_of(const std::string& name) {
  if (name == "sum") return BagOptions::kSum;
  if (name == "mean") return BagOptions::kMean;
  if (name == "max") return BagOptions::kMax;
  throw ValueError("[embedding_bag] mode must be 'sum', 'mean' or 'max', got '", name, "'");
}

Tensor call_embedding_bag(const Tensor& input, const Tensor& weight, const MaybeTensor& offsets,
                          std::optional<double> max_norm, double norm_type, bool scale_grad_by_freq,
                          const std::string& mode, bool sparse, const MaybeTensor& weights,
                          bool include_last_offset, std::optional<int64_t> padding_idx) {
  check_sparse("embedding_bag", sparse);
  return embedding_bag(
      input, weight, {padding_idx, max_norm, norm_type, scale_grad_by_freq},
      {mode_of(mode), or_undefined(offsets), or_undefined(weights), include_last_offset});
}

Tensor call_weights(const Tensor& query, const Tensor& key, const MaybeTensor& mask, bool is_causal,
                    std::optional<double> scale, bool enable_gqa) {
  return attention_weights(query, key, {or_undefined(mask), is_causal, scale, enable_gqa});
}

Tensor call_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                      const MaybeTensor& mask, double dropout_p, bool is_causal,
                      std::optional<double> scale, bool enable_gqa, Generator* generator) {
  const AttentionOptions options{or_undefined(mask), is_causal, scale, enable_gqa};
  return scaled_dot_product_attention(query, key, value, options, dropout_p, *generator);
}

void register_attention(OpTable& ops) {
  ops.add(
      "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, "
      "Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, float? scale=None, "
      "bool enable_gqa=False, Generator? generator=None) -> Tensor",
      &call_attention,
      "softmax(query key^T scale + mask) value: query (..., L, E), key (..., S, E), value "
      "(..., S, Ev), mask broadcast to (..., L, S), scale 1 / sqrt(E). A bool mask is True where "
      "a query may look. Queries that may look nowhere give 0, as in torch from 2.5 on. Dropout "
      "acts whenever dropout_p is not 0.",
      Where::kFunction);
  ops.add(
      "attention_weights(Tensor query, Tensor key, Tensor? attn_mask=None, bool is_causal=False, "
      "*, float? scale=None, bool enable_gqa=False) -> Tensor",
      &call_weights,
      "softmax(query key^T scale + mask), (..., L, S): what scaled_dot_product_attention "
      "multiplies the values by. torch has no such function.",
      Where::kFunction);
}

}  // namespace

void register_embedding(OpTable& ops) {
  ops.add(
      "embedding(Tensor input, Tensor weight, int? padding_idx=None, float? max_norm=None, "
      "float norm_type=2.0, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor",
      &call_embedding,
      "weight[input]: numbers (*) and a table (V, D) give (*, D). Gradients of equal numbers add "
      "up in index order; row padding_idx gets none. max_norm first scales the rows in use down "
      "to that norm, in place. torch.embedding has weight first; F.embedding is as here.",
      Where::kFunction);
  ops.add(
      "embedding_bag(Tensor input, Tensor weight, Tensor? offsets=None, float? max_norm=None, "
      "float norm_type=2.0, bool scale_grad_by_freq=False, str mode='mean', bool sparse=False, "
      "Tensor? per_sample_weights=None, bool include_last_offset=False, int? padding_idx=None) "
      "-> Tensor",
      &call_embedding_bag,
      "The sum, mean or largest of weight[input] over each bag: the rows of a 2-d input, or runs "
      "of a 1-d input that begin at offsets. Padding takes no part; an empty bag gives 0.",
      Where::kFunction);
  register_attention(ops);
}

}  // namespace sf::bind
