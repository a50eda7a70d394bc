// Transposed copies, block by block in registers.
#include "kernels/isa/transpose.h"
#include "kernels/table.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
void edge(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) y[r * y_stride + c] = x[c * x_stride + r];
  }
}

// Columns of y go by vectors, which are rows of x; kQuad rows of y come out of one block.
template <class T>
void transpose(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows,
               int64_t columns) {
  constexpr int kWidth = Vec<T>::kWidth;
  const int64_t whole_rows = rows / kQuad<T> * kQuad<T>, whole = columns / kWidth * kWidth;
  for (int64_t c = 0; c < whole; c += kWidth) {
    const T* from[kWidth];
    for (int i = 0; i < kWidth; ++i) from[i] = x + (c + i) * x_stride;
    for (int64_t r = 0; r < whole_rows; r += kQuad<T>) {
      Vec<T> block[kQuad<T>];
      load_transposed<1>(from, r, block);
      for (int t = 0; t < kQuad<T>; ++t) block[t].store(y + (r + t) * y_stride + c);
    }
  }
  edge(x + whole_rows, x_stride, y + whole_rows * y_stride, y_stride, rows - whole_rows, whole);
  edge(x + whole * x_stride, x_stride, y + whole, y_stride, rows, columns - whole);
}

}  // namespace

void fill_copy(KernelTable& table);

void fill_copy(KernelTable& table) {
  table.f32.copy.transpose = transpose<float>;
  table.f64.copy.transpose = transpose<double>;
}

}  // namespace sf::SF_ISA_NAMESPACE
