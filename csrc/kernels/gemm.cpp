#include "kernels/gemm.h"

#include <algorithm>
#include <type_traits>

#include "base/error.h"
#include "kernels/dispatch.h"
#include "kernels/gemm_int.h"
#include "kernels/gemm_product.h"
#include "kernels/launch.h"

namespace sf {
namespace {

// The last two dimensions are the matrices; a dimension before them is the batch.
void check(const char* op, int ndim, const Array& a, const Array& b, const Array& c, double beta,
           const Epilogue& epilogue) {
  if (a.shape.ndim() != ndim || b.shape.ndim() != ndim || c.shape.ndim() != ndim) {
    throw ShapeError("[", op, "] ", a.shape, " @ ", b.shape, " -> ", c.shape, ": each must have ",
                     ndim, " dimensions");
  }
  const int row = ndim - 2, col = ndim - 1;
  if (a.shape[col] != b.shape[row]) {
    throw ShapeError("[", op, "] ", a.shape, " @ ", b.shape, ": inner sizes ", a.shape[col],
                     " and ", b.shape[row], " differ");
  }
  bool fits = c.shape[row] == a.shape[row] && c.shape[col] == b.shape[col];
  if (ndim == 3) fits = fits && a.shape[0] == c.shape[0] && b.shape[0] == c.shape[0];
  if (!fits) {
    throw ShapeError("[", op, "] ", a.shape, " @ ", b.shape, " does not give ", c.shape);
  }
  if (a.dtype != c.dtype || b.dtype != c.dtype) {
    throw DtypeError("[", op, "] dtypes ", a.dtype, ", ", b.dtype, " and ", c.dtype,
                     " differ; cast to one of them");
  }
  if (c.shape[col] > 1 && c.strides[col] != 1) {
    throw ValueError("[", op, "] the rows of the result must be contiguous");
  }
  if (beta != 0 && beta != 1) throw ValueError("[", op, "] beta must be 0 or 1, got ", beta);
  if (!is_floating(c.dtype) && (epilogue.bias || epilogue.activation)) {
    throw DtypeError("[", op, "] bias and activation need a floating dtype, got ", c.dtype);
  }
}

template <class T>
Product<T> product_of(int ndim, const Array& a, const Array& b, const Array& c, double beta,
                      const Epilogue& epilogue) {
  const int row = ndim - 2, col = ndim - 1;
  const bool batched = ndim == 3;
  Product<T> p{.m = c.shape[row],
               .n = c.shape[col],
               .k = a.shape[col],
               .a = a.as<const T>(),
               .a_row = a.strides[row],
               .a_k = a.strides[col],
               .b = b.as<const T>(),
               .b_k = b.strides[row],
               .b_col = b.strides[col],
               .c = c.as<T>(),
               .c_row = c.strides[row],
               .add = beta == 1,
               .bias = static_cast<const T*>(epilogue.bias),
               .bias_step = 1,
               .batch = batched ? c.shape[0] : 1,
               .a_batch = batched ? a.strides[0] : 0,
               .b_batch = batched ? b.strides[0] : 0,
               .c_batch = batched ? c.strides[0] : 0};
  if constexpr (std::is_floating_point_v<T>) {
    if (epilogue.activation) {
      p.activation = kernels<T>().unary[static_cast<int>(*epilogue.activation)];
      p.activated = epilogue.activated ? static_cast<T*>(epilogue.activated) : p.c;
      std::copy_n(epilogue.params.p, kMaxParams, p.params);
    }
  }
  return p;
}

void run(const char* op, int ndim, const Array& a, const Array& b, const Array& c, double beta,
         const Epilogue& epilogue) {
  check(op, ndim, a, b, c, beta, epilogue);
  const auto start = [&]<class T>(const Product<T>& product, auto multiply_fn) {
    if (product.m == 0 || product.n == 0 || product.batch == 0) return;
    launch(op, [product, multiply_fn] { multiply_fn(product); });
  };
  switch (c.dtype) {
    case Dtype::kFloat32:
      return start(product_of<float>(ndim, a, b, c, beta, epilogue), multiply<float>);
    case Dtype::kFloat64:
      return start(product_of<double>(ndim, a, b, c, beta, epilogue), multiply<double>);
    case Dtype::kInt32:
      return start(product_of<int32_t>(ndim, a, b, c, beta, epilogue), multiply_int<int32_t>);
    case Dtype::kInt64:
      return start(product_of<int64_t>(ndim, a, b, c, beta, epilogue), multiply_int<int64_t>);
    default:
      throw DtypeError("[", op, "] expected float32, float64, int32 or int64, got ", c.dtype);
  }
}

}  // namespace

void gemm(const Array& a, const Array& b, const Array& c, double beta, const Epilogue& epilogue) {
  run("gemm", 2, a, b, c, beta, epilogue);
}

void gemm_batched(const Array& a, const Array& b, const Array& c, double beta,
                  const Epilogue& epilogue) {
  run("gemm_batched", 3, a, b, c, beta, epilogue);
}

}  // namespace sf
