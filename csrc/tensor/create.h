// New tensors, and copies of what is in one. No gradients.
#pragma once
#include "tensor/tensor.h"

namespace sf {

// Uninitialised, contiguous. ValueError on negative or overflowing sizes.
Tensor empty(const Shape& shape, Dtype dtype);
Tensor full(const Shape& shape, double value, Dtype dtype);
Tensor full_int(const Shape& shape, int64_t value, Dtype dtype);  // exact for int64
Tensor zeros(const Shape& shape, Dtype dtype);

// A contiguous copy, cast to `dtype`.
Tensor copy_as(const Tensor& t, Dtype dtype);
// t itself where it already is contiguous and of that dtype, else a copy.
Tensor contiguous_as(const Tensor& t, Dtype dtype);
inline Tensor contiguous_copy(const Tensor& t) { return contiguous_as(t, t.dtype()); }

// dst[...] = src, broadcast and cast; no version bump, no checks of overlap.
void copy_into(const Tensor& dst, const Tensor& src);

// The value of a one-element tensor. ValueError for any other size.
double item_as_double(const Tensor& t);
int64_t item_as_int(const Tensor& t);

}  // namespace sf
