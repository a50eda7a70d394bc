#include "ops/matmul.h"

#include "autograd/record.h"
#include "kernels/gemm.h"
#include "ops/binary.h"
#include "ops/convert.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

Dtype product_dtype(const char* op, const Tensor& a, const Tensor& b) {
  const Dtype dtype = promote(a.dtype(), b.dtype());
  if (dtype == Dtype::kBool || dtype == Dtype::kUint8) {
    throw DtypeError("[", op, "] products of ", dtype, " matrices are not defined; convert them ",
                     "with to(int64) or to(float32)");
  }
  return dtype;
}

void check_inner(const char* op, const Tensor& a, const Tensor& b, int64_t left, int64_t right) {
  if (left == right) return;
  throw ShapeError("[", op, "] ", a.shape(), " @ ", b.shape(), ": inner sizes ", left, " and ",
                   right, " differ; the last dimension of the first operand must be as long as ",
                   "the second to last of the second, transpose one of them if it lies the other ",
                   "way");
}

void check_ndim(const char* op, const Tensor& a, int a_ndim, const Tensor& b, int b_ndim) {
  if (a.ndim() == a_ndim && b.ndim() == b_ndim) return;
  throw ShapeError("[", op, "] needs ", a_ndim, "-d and ", b_ndim, "-d tensors, got ", a.shape(),
                   " and ", b.shape(), "; matmul() takes other shapes");
}

// (M, K) @ (K, N), same dtype.
Tensor product(const Tensor& a, const Tensor& b) {
  Tensor out = empty({a.size(0), b.size(1)}, a.dtype());
  gemm(a.array(), b.array(), out.array());
  return record("matmul", out, {&a, &b}, {&a, &b}, [](const Backward& back) -> Grads {
    const Tensor grad = back.grad();                                                // (M, N)
    return {back.needs(0) ? mm(grad, matrix_transpose(back.saved(1))) : Tensor(),   // (M, K)
            back.needs(1) ? mm(matrix_transpose(back.saved(0)), grad) : Tensor()};  // (K, N)
  });
}

// (B, M, K) @ (B, K, N), same dtype; a batch may be an expanded view.
Tensor batched_product(const Tensor& a, const Tensor& b) {
  Tensor out = empty({a.size(0), a.size(1), b.size(2)}, a.dtype());
  gemm_batched(a.array(), b.array(), out.array());
  return record("bmm", out, {&a, &b}, {&a, &b}, [](const Backward& back) -> Grads {
    const Tensor grad = back.grad();
    return {back.needs(0) ? bmm(grad, matrix_transpose(back.saved(1))) : Tensor(),
            back.needs(1) ? bmm(matrix_transpose(back.saved(0)), grad) : Tensor()};
  });
}

// The batch dimensions expanded to `batch` and joined into one.
Tensor as_batch(const Tensor& t, const Shape& batch) {
  const int n = t.ndim();
  Shape full = batch;
  full.push_back(t.size(n - 2));
  full.push_back(t.size(n - 1));
  return reshape(t.shape() == full ? t : expand(t, full),
                 {batch.numel(), t.size(n - 2), t.size(n - 1)});
}

Tensor stacked_matmul(const Tensor& a, const Tensor& b) {
  Shape a_batch = a.shape();
  Shape b_batch = b.shape();
  for (int i = 0; i < 2; ++i) {
    a_batch.erase(a_batch.ndim() - 1);
    b_batch.erase(b_batch.ndim() - 1);
  }
  if (b_batch.empty()) {  // one matrix for the whole stack: one tall product
    const Tensor rows = reshape(a, {a_batch.numel() * a.size(a.ndim() - 2), a.size(a.ndim() - 1)});
    Shape shape = a.shape();
    shape[shape.ndim() - 1] = b.size(1);
    return reshape(product(rows, b), shape);
  }
  Shape batch;
  try {
    batch = broadcast_shapes("matmul", a_batch, b_batch);
  } catch (const ShapeError&) {
    throw ShapeError("[matmul] ", a.shape(), " @ ", b.shape(), ": the stacks ", a_batch, " and ",
                     b_batch, " do not broadcast; reshape, unsqueeze or expand one of them");
  }
  const Tensor out = batched_product(as_batch(a, batch), as_batch(b, batch));
  Shape shape = batch;
  shape.push_back(a.size(a.ndim() - 2));
  shape.push_back(b.size(b.ndim() - 1));
  return reshape(out, shape);
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.ndim() == 0 || b.ndim() == 0) {
    throw ShapeError("[matmul] ", a.shape(), " @ ", b.shape(), ": 0-d tensors have no inner ",
                     "dimension; use * to scale");
  }
  if (a.ndim() == 1) {
    check_inner("matmul", a, b, a.size(0), b.size(std::max(b.ndim() - 2, 0)));
    const Tensor out = matmul(unsqueeze(a, 0), b);
    return squeeze(out, {b.ndim() == 1 ? 0 : out.ndim() - 2});
  }
  if (b.ndim() == 1) {
    check_inner("matmul", a, b, a.size(a.ndim() - 1), b.size(0));
    return squeeze(matmul(a, unsqueeze(b, 1)), {-1});
  }
  check_inner("matmul", a, b, a.size(a.ndim() - 1), b.size(b.ndim() - 2));
  const Dtype dtype = product_dtype("matmul", a, b);
  const Tensor left = to(a, dtype);
  const Tensor right = to(b, dtype);
  if (a.ndim() == 2 && b.ndim() == 2) return product(left, right);
  return stacked_matmul(left, right);
}

Tensor mm(const Tensor& a, const Tensor& b) {
  check_ndim("mm", a, 2, b, 2);
  return matmul(a, b);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  check_ndim("bmm", a, 3, b, 3);
  if (a.size(0) != b.size(0)) {
    throw ShapeError("[bmm] ", a.shape(), " @ ", b.shape(), ": batch sizes ", a.size(0), " and ",
                     b.size(0), " differ");
  }
  check_inner("bmm", a, b, a.size(2), b.size(1));
  const Dtype dtype = product_dtype("bmm", a, b);
  return batched_product(to(a, dtype), to(b, dtype));
}

Tensor mv(const Tensor& a, const Tensor& x) {
  check_ndim("mv", a, 2, x, 1);
  return matmul(a, x);
}

Tensor dot(const Tensor& a, const Tensor& b) {
  check_ndim("dot", a, 1, b, 1);
  if (a.numel() != b.numel()) {
    throw ShapeError("[dot] ", a.shape(), " and ", b.shape(), ": the vectors differ in length");
  }
  return matmul(a, b);
}

Tensor outer(const Tensor& a, const Tensor& b) {
  check_ndim("outer", a, 1, b, 1);
  return mul(unsqueeze(a, 1), unsqueeze(b, 0));
}

Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, double beta, double alpha) {
  Tensor out = mm(a, b);
  if (alpha != 1) out = mul(out, full({}, alpha, out.dtype()));
  if (broadcast_shapes("addmm", input.shape(), out.shape()) != out.shape()) {
    throw ShapeError("[addmm] input of shape ", input.shape(), " does not broadcast to ",
                     out.shape(), ", the shape of the product");
  }
  if (beta == 0) return out;  // as in BLAS, input is then not read: its NaN do not matter
  return add(out, beta == 1 ? input : mul(input, full({}, beta, out.dtype())));
}

}  // namespace sf
