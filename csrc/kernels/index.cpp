#include "kernels/index.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

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

template <class T>
void copy_line(const T* from, int64_t from_step, T* to, int64_t to_step, int64_t n) {
  if (from_step == 1 && to_step == 1) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
    return;
  }
  for (int64_t k = 0; k < n; ++k) to[k * to_step] = from[k * from_step];
}

// Bool adds up by "or" and multiplies by "and"; NaN wins every comparison.
template <Put how, class T>
T put(T x, T y) {
  if constexpr (how == Put::kAdd && std::is_same_v<T, bool>) {
    return x || y;
  } else if constexpr (how == Put::kMul && std::is_same_v<T, bool>) {
    return x && y;
  } else if constexpr (how == Put::kAdd) {
    return static_cast<T>(x + y);
  } else if constexpr (how == Put::kMul) {
    return static_cast<T>(x * y);
  } else if constexpr (how == Put::kMax) {
    return y > x || y != y ? y : x;
  } else if constexpr (how == Put::kMin) {
    return y < x || y != y ? y : x;
  } else {
    return y;
  }
}

template <class T, Put how>
void put_line(T* x, int64_t x_step, const T* y, int64_t y_step, int64_t n) {
  if constexpr (how == Put::kSet) return copy_line(y, y_step, x, x_step, n);
  if (x_step == 1 && y_step == 1) {
    for (int64_t k = 0; k < n; ++k) x[k] = put<how>(x[k], y[k]);
    return;
  }
  for (int64_t k = 0; k < n; ++k) x[k * x_step] = put<how>(x[k * x_step], y[k * y_step]);
}

constexpr int64_t kElementsPerChunk = 32768;

template <class T>
void gather(const Array& row, const int64_t* offsets, const Array& y) {
  const Lines lines = lines_of(row, y);
  const Chunks chunks{y.shape[0], std::max<int64_t>(kElementsPerChunk / row.numel(), 1)};
  parallel_for(chunks.count(), [&](int64_t c) {
    for (int64_t i = chunks.begin(c); i < chunks.end(c); ++i) {
      // What is not there is read as one zero, again and again.
      const T zero{};
      const bool none = offsets[i] == kNoRow;
      const T* x_row = none ? &zero : row.as<T>() + offsets[i];
      T* y_row = y.as<T>() + i * y.strides[0];
      for_each_line(lines, [&](int64_t x, int64_t yo) {
        copy_line(x_row + (none ? 0 : x), none ? 0 : lines.x_step, y_row + yo, lines.y_step,
                  lines.length);
      });
    }
  });
}

// The rows of y by owner: owner o takes order[begin[o]] to order[begin[o + 1]], in index order.
struct Owners {
  static constexpr int64_t kCount = 64;
  std::vector<int64_t> order;
  int64_t begin[kCount + 1] = {};
  Owners(const int64_t* offsets, int64_t rows);
};

// A mixed offset, so that frequent rows that lie side by side have different owners.
int64_t owner_of(int64_t offset) {
  return static_cast<int64_t>((static_cast<uint64_t>(offset) * 0x9E3779B97F4A7C15ULL) >> 58);
}

Owners::Owners(const int64_t* offsets, int64_t rows) : order(static_cast<size_t>(rows)) {
  for (int64_t i = 0; i < rows; ++i) ++begin[owner_of(offsets[i]) + 1];
  for (int64_t o = 0; o < kCount; ++o) begin[o + 1] += begin[o];
  int64_t next[kCount];
  std::copy_n(begin, kCount, next);
  for (int64_t i = 0; i < rows; ++i) order[static_cast<size_t>(next[owner_of(offsets[i])]++)] = i;
}

constexpr int64_t kMinRow = 8;  // shorter rows take less time than their distribution to owners

template <class T, Put how>
void scatter(const Array& row, const int64_t* offsets, const Array& y) {
  const Lines lines = lines_of(row, y);
  const int64_t rows = y.shape[0], row_numel = row.numel();
  const auto put_row = [&](int64_t i) {
    if (offsets[i] == kNoRow) return;
    T* x_row = row.as<T>() + offsets[i];
    const T* y_row = y.as<T>() + i * y.strides[0];
    for_each_line(lines, [&](int64_t x, int64_t yo) {
      put_line<T, how>(x_row + x, lines.x_step, y_row + yo, lines.y_step, lines.length);
    });
  };
  if (num_threads() == 1 || row_numel < kMinRow || rows <= kElementsPerChunk / row_numel) {
    for (int64_t i = 0; i < rows; ++i) put_row(i);
    return;
  }
  const Owners owners(offsets, rows);
  parallel_for(Owners::kCount, [&](int64_t o) {
    for (int64_t k = owners.begin[o]; k < owners.begin[o + 1]; ++k) {
      put_row(owners.order[static_cast<size_t>(k)]);
    }
  });
}

template <class T>
void scatter(const Array& row, const int64_t* offsets, const Array& y, Put how) {
  switch (how) {
    case Put::kSet:
      return scatter<T, Put::kSet>(row, offsets, y);
    case Put::kAdd:
      return scatter<T, Put::kAdd>(row, offsets, y);
    case Put::kMul:
      return scatter<T, Put::kMul>(row, offsets, y);
    case Put::kMax:
      return scatter<T, Put::kMax>(row, offsets, y);
    case Put::kMin:
      return scatter<T, Put::kMin>(row, offsets, y);
  }
}

}  // namespace

void run_gather_rows(const Array& row, const int64_t* offsets, const Array& y) {
  if (y.numel() == 0) return;
  dispatch(row.dtype, [&](auto zero) {
    launch("gather_rows", [=] { gather<decltype(zero)>(row, offsets, y); });
  });
}

void run_scatter_rows(const Array& row, const int64_t* offsets, const Array& y, Put how) {
  if (y.numel() == 0) return;
  dispatch(row.dtype, [&](auto zero) {
    launch("scatter_rows", [=] { scatter<decltype(zero)>(row, offsets, y, how); });
  });
}

}  // namespace sf
