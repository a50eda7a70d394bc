// Comparisons, logic and selection. Masks are bool tensors and have no gradient.
#pragma once
#include <optional>

#include "tensor/tensor.h"

namespace sf {

Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);

// Any dtype; what is not zero counts as true.
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);
// Bool and integers.
Tensor bitwise_and(const Tensor& a, const Tensor& b);
Tensor bitwise_or(const Tensor& a, const Tensor& b);
Tensor bitwise_xor(const Tensor& a, const Tensor& b);
Tensor bitwise_not(const Tensor& x);

Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);

// x where the mask holds, y elsewhere. The gradient is selected, never multiplied: what is not
// chosen cannot bring in NaN.
Tensor where(const Tensor& mask, const Tensor& x, const Tensor& y);
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value);
Tensor masked_fill_(Tensor self, const Tensor& mask, const Tensor& value);
// Bounds that are tensors; an undefined one does not bound.
Tensor clamp(const Tensor& x, const Tensor& low, const Tensor& high);
// NaN and infinities replaced by numbers; None stands for the largest of the dtype.
Tensor nan_to_num(const Tensor& x, double nan, std::optional<double> posinf,
                  std::optional<double> neginf);

// Both have the same shape, dtype and values; NaN equals nothing.
bool equal(const Tensor& a, const Tensor& b);
// |a - b| <= atol + rtol |b|, elementwise.
Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan);

}  // namespace sf
