// The copies' part of the kernel table.
#pragma once
#include <cstdint>

namespace sf {

template <class T>
struct CopyKernels {
  // y[r * y_stride + c] = x[c * x_stride + r] for r < rows, c < columns; bits are moved, so that T
  // stands for every type of its size.
  void (*transpose)(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows,
                    int64_t columns) = nullptr;
};

}  // namespace sf
