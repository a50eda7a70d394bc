// Matrix products. All are views and reshapes around one batched product.
#pragma once
#include "tensor/tensor.h"

namespace sf {

// (M, K) @ (K, N), with 1-d operands as rows or columns and leading batch dimensions broadcast.
Tensor matmul(const Tensor& a, const Tensor& b);
Tensor mm(const Tensor& a, const Tensor& b);   // two matrices
Tensor bmm(const Tensor& a, const Tensor& b);  // two stacks of matrices
Tensor mv(const Tensor& a, const Tensor& x);   // matrix and vector
Tensor dot(const Tensor& a, const Tensor& b);  // two vectors
Tensor outer(const Tensor& a, const Tensor& b);
// beta * input + alpha * (a @ b)
Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, double beta, double alpha);

}  // namespace sf
