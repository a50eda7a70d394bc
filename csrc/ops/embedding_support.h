// What embeddings of single numbers and of bags share.
#pragma once
#include "ops/embedding.h"

namespace sf {

// Which rows of a table are read, and what their gradients are.
struct Lookup {
  Tensor at;       // (N) int64; -1 reads zeros
  Tensor back{};   // the same, with -1 for what gets no gradient
  Tensor scale{};  // (N, 1) or undefined: what gradients are multiplied by
};

// table[at], (N, D).
Tensor picked(const Tensor& table, const Lookup& lookup);
// Zeros (rows, D) with g[i] added to row at[i], in the order of i.
Tensor placed(const Tensor& g, const Tensor& at, int64_t rows);

// Checks everything about a lookup, scales rows down to max_norm, and gives the numbers as (N).
Lookup prepared_lookup(const char* op, const Tensor& indices, const Tensor& weight,
                       const EmbeddingOptions& options);

}  // namespace sf
