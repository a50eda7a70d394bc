// Scaled dot-product attention.
#pragma once
#include <optional>

#include "base/rng.h"
#include "tensor/tensor.h"

namespace sf {

struct AttentionOptions {
  Tensor mask{};  // broadcast to (..., L, S): bool, True takes part; or added to the scores
  bool is_causal = false;         // row i sees columns 0 to i
  std::optional<double> scale{};  // 1 / sqrt(E)
  bool enable_gqa = false;        // keys and values have fewer heads, each for a run of queries'
};

// softmax(query key^T scale + mask): query (..., L, E), key (..., S, E) -> (..., L, S). Rows that
// may see nothing are zero.
Tensor attention_weights(const Tensor& query, const Tensor& key, const AttentionOptions& options);

// The weights, dropped with probability dropout_p, times value (..., S, Ev) -> (..., L, Ev).
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options, double dropout_p,
                                    Generator& generator);

}  // namespace sf
