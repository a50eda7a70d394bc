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

namespace {

void check_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.ndim() != 2 || x.ndim() < 1 || x.size(x.ndim() - 1) != weight.size(1)) {
    throw ShapeError("[linear] input ", x.shape(), " and weight ", weight.shape(),
                     ": the weight is (out, in), and the last size of the input must be its in");
  }
  if (bias.defined() && bias.shape() != Shape{weight.size(0)}) {
    throw ShapeError("[linear] bias ", bias.shape(), " and weight ", weight.shape(),
                     ": the bias needs the weight's first size, (", weight.size(0), ",)");
  }
}

// x (M, K), weight (N, K), bias (N,): one product with the bias added while C is in cache.
Tensor linear_2d(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  Tensor out = empty({x.size(0), weight.size(0)}, x.dtype());
  Epilogue epilogue;
  const Tensor row = bias.defined() ? contiguous_copy(bias) : bias;
  if (row.defined()) epilogue.bias = row.data();
  gemm(x.array(),
       as_view(weight, {weight.size(1), weight.size(0)}, {weight.strides()[1], weight.strides()[0]},
               weight.offset())
           .array(),
       out.array(), 0, epilogue);
  return record("linear", out, {&x, &weight, &bias}, {&x, &weight}, [](const Backward& b) -> Grads {
    const Tensor grad = b.grad();                                            // (M, N)
    return {b.needs(0) ? mm(grad, b.saved(1)) : Tensor(),                    // (M, K)
            b.needs(1) ? mm(matrix_transpose(grad), b.saved(0)) : Tensor(),  // (N, K)
            b.needs(2) ? sum_to(grad, {grad.size(1)}) : Tensor()};
  });
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check_linear(x, weight, bias);
  Dtype dtype = product_dtype("linear", x, weight);
  if (bias.defined()) dtype = promote(dtype, bias.dtype());
  if (!is_floating(dtype)) {
    throw DtypeError("[linear] needs float32 or float64, got ", x.dtype(), " and ", weight.dtype());
  }
  const Tensor row = bias.defined() ? to(bias, dtype) : bias;
  if (x.ndim() == 2) return linear_2d(to(x, dtype), to(weight, dtype), row);
  Shape shape = x.shape();  // (..., in): the leading dimensions are joined
  shape.erase(shape.ndim() - 1);
  const Tensor rows = reshape(to(x, dtype), {shape.numel(), weight.size(1)});
  shape.push_back(weight.size(0));
  return reshape(linear_2d(rows, to(weight, dtype), row), shape);
}

}  // namespace sf
