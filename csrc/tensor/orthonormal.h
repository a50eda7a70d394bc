// Orthonormal rows. No gradients.
#pragma once
#include "tensor/tensor.h"

namespace sf {

// Row i of x (n, m), n <= m, of float64, without its part along the rows before it, at length 1: Q
// of the QR decomposition of the transpose with a positive diagonal of R.
Tensor orthonormal_rows(const Tensor& x);

}  // namespace sf
