#include "tensor/orthonormal.h"

#include <cmath>

#include "kernels/gemm.h"
#include "tensor/create.h"

namespace sf {
namespace {

// Rows of the matrix, contiguous.
struct Rows {
  double* data;
  int64_t count, columns;

  Array array() const { return {data, {count, columns}, {columns, 1}, Dtype::kFloat64}; }
  Array transposed() const { return {data, {columns, count}, {1, columns}, Dtype::kFloat64}; }
};

// rows -= (rows q^T) q, for orthonormal q; `room` holds rows.count q.count numbers.
void take_off(const Rows& q, const Rows& rows, double* room) {
  const Array parts{room, {rows.count, q.count}, {q.count, 1}, Dtype::kFloat64};
  gemm(rows.array(), q.transposed(), parts);
  for (int64_t i = 0; i < rows.count * q.count; ++i) room[i] = -room[i];
  gemm(parts, q.array(), rows.array(), 1);
}

// One half after the other, so that nearly all of it is products of large matrices. What is taken
// off twice is off to the last bits (Giraud, Langou and Rozloznik 2005).
void orthonormalise(const Rows& rows, double* room) {
  if (rows.count == 1) {
    double squares = 0;
    for (int64_t j = 0; j < rows.columns; ++j) squares += rows.data[j] * rows.data[j];
    const double length = std::sqrt(squares);
    for (int64_t j = 0; j < rows.columns; ++j) rows.data[j] /= length;
    return;
  }
  const int64_t half = rows.count / 2;
  const Rows first{rows.data, half, rows.columns};
  const Rows second{rows.data + half * rows.columns, rows.count - half, rows.columns};
  orthonormalise(first, room);
  take_off(first, second, room);
  take_off(first, second, room);
  orthonormalise(second, room);
}

}  // namespace

Tensor orthonormal_rows(const Tensor& x) {
  if (x.ndim() != 2 || x.size(0) > x.size(1) || x.dtype() != Dtype::kFloat64) {
    throw ShapeError("[orthonormal_rows] got ", x.dtype(), " ", x.shape(),
                     ": expected float64 (n, m) with n <= m");
  }
  const Tensor out = copy_as(x, Dtype::kFloat64);
  const int64_t n = x.size(0);
  if (n == 0) return out;
  const Tensor room = empty({(n - n / 2) * (n / 2)}, Dtype::kFloat64);
  orthonormalise({out.as<double>(), n, x.size(1)}, room.as<double>());
  return out;
}

}  // namespace sf
