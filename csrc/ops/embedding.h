// Rows of a table by their numbers, one for each number or reduced by bags.
#pragma once
#include <optional>

#include "tensor/tensor.h"

namespace sf {

struct EmbeddingOptions {
  std::optional<int64_t> padding_idx;  // this row gets no gradient, and takes no part in a bag
  std::optional<double> max_norm;      // rows that are looked up are first scaled down to this norm
  double norm_type = 2;
  bool scale_grad_by_freq = false;  // gradients of a row are divided by how often it is looked up
};

// indices (*), weight (V, D) -> (*, D).
Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options);

struct BagOptions {
  enum Mode { kSum, kMean, kMax };
  Mode mode = kMean;
  Tensor offsets{};             // (B): where the bags begin in 1-d indices; none for 2-d indices
  Tensor per_sample_weights{};  // as indices; of a sum only
  bool include_last_offset = false;
};

// indices (B, L) or (N) with offsets -> (B, D); an empty bag gives zeros.
Tensor embedding_bag(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options,
                     const BagOptions& bag);

}  // namespace sf
