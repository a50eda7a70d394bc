#include "kernels/index.h"

#include <algorithm>
#include <cstring>

#include "base/parallel.h"
#include "kernels/launch.h"

namespace sf {
namespace {

// The first and innermost dimension of a row and those between, as a loop over lines.
struct Lines {
  Shape outer;
  Strides x_strides, y_strides;
  int64_t length = 1, x_step = 0, y_step = 0;
};

Lines lines_of(const Array& row, const Array& y) {
  Lines lines;
  const int ndim = row.shape.ndim();
  for (int i = 0; i + 1 < ndim; ++i) {
    lines.outer.push_back(row.shape[i]);
    lines.x_strides.push_back(row.strides[i]);
    lines.y_strides.push_back(y.strides[i + 1]);
  }
  if (ndim > 0) {
    lines.length = row.shape[ndim - 1];
    lines.x_step = row.strides[ndim - 1];
    lines.y_step = y.strides[ndim];
  }
  return lines;
}

// Calls line(x_offset, y_offset) for each line of a row.
template <class F>
void for_each_line(const Lines& lines, F&& line) {
  const int64_t count = lines.outer.numel();
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i;
    int64_t x = 0;
    int64_t y = 0;
    for (int d = lines.outer.ndim() - 1; d >= 0; --d) {
      const int64_t at = rest % lines.outer[d];
      rest /= lines.outer[d];
      x += at * lines.x_strides[d];
      y += at * lines.y_strides[d];
    }
    line(x, y);
  }
}

enum class Move { kGather, kScatter, kScatterAdd };

template <class T, Move move>
void move_line(T* x, int64_t x_step, T* y, int64_t y_step, int64_t n) {
  if (x_step == 1 && y_step == 1 && move != Move::kScatterAdd) {
    const size_t bytes = static_cast<size_t>(n) * sizeof(T);
    move == Move::kGather ? std::memcpy(y, x, bytes) : std::memcpy(x, y, bytes);
    return;
  }
  for (int64_t k = 0; k < n; ++k) {
    if constexpr (move == Move::kGather) {
      y[k * y_step] = x[k * x_step];
    } else if constexpr (move == Move::kScatter) {
      x[k * x_step] = y[k * y_step];
    } else if constexpr (std::is_same_v<T, bool>) {
      x[k * x_step] |= y[k * y_step];
    } else {
      x[k * x_step] = static_cast<T>(x[k * x_step] + y[k * y_step]);
    }
  }
}

constexpr int64_t kElementsPerChunk = 32768;

template <Move move>
void run(const Array& row, const int64_t* offsets, const Array& y) {
  const int64_t rows = y.shape[0];
  const int64_t row_numel = row.numel();
  if (rows == 0 || row_numel == 0) return;
  const Lines lines = lines_of(row, y);
  dispatch(row.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto move_row = [&](int64_t i) {
      T* x_row = row.as<T>() + offsets[i];
      T* y_row = y.as<T>() + i * y.strides[0];
      for_each_line(lines, [&](int64_t x, int64_t yo) {
        move_line<T, move>(x_row + x, lines.x_step, y_row + yo, lines.y_step, lines.length);
      });
    };
    // Rows that are written may coincide: only reading runs in parallel.
    const Chunks chunks{
        rows, move == Move::kGather ? std::max<int64_t>(kElementsPerChunk / row_numel, 1) : rows};
    parallel_for(chunks.count(), [&](int64_t c) {
      for (int64_t i = chunks.begin(c); i < chunks.end(c); ++i) move_row(i);
    });
  });
}

}  // namespace

void run_gather_rows(const Array& row, const int64_t* offsets, const Array& y) {
  launch("gather_rows", [=] { run<Move::kGather>(row, offsets, y); });
}
void run_scatter_rows(const Array& row, const int64_t* offsets, const Array& y) {
  launch("scatter_rows", [=] { run<Move::kScatter>(row, offsets, y); });
}
void run_scatter_add_rows(const Array& row, const int64_t* offsets, const Array& y) {
  launch("scatter_add_rows", [=] { run<Move::kScatterAdd>(row, offsets, y); });
}

}  // namespace sf
