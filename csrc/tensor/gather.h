// Batches out of data sets: chosen rows of several tensors, copied in one parallel pass.
#pragma once
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace sf {

// For each tensor t of shape (N, ...): out[i] = t[rows[i]], contiguous; rows is (B,) int64. No
// gradients. All tensors have the same N. ShapeError, DtypeError; IndexError naming the row.
// Tensors whose rows are not contiguous take a slower path, one strided copy per row.
std::vector<Tensor> gather_rows(std::span<const Tensor> tensors, const Tensor& rows);

}  // namespace sf
