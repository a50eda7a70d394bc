// New tensors, and copies of what is in one. No gradients.
#pragma once
#include "tensor/tensor.h"

namespace sf {

// Throws ValueError unless an element of `dtype` can hold the number: integers drop a fraction but
// never wrap around. bool holds whether it is not 0, floating dtypes any number, inf where it is
// too large.
void check_holds(Dtype dtype, double value);
void check_holds(Dtype dtype, int64_t value);
bool holds(Dtype dtype, int64_t value);  // whether it does not throw

// Uninitialised, contiguous. ValueError on negative or overflowing sizes.
Tensor empty(const Shape& shape, Dtype dtype);
// Of one number that the dtype holds.
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
