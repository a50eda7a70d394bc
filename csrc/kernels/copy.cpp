#include "kernels/copy.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/rounding.h"
#include "kernels/dispatch.h"
#include "kernels/launch.h"
#include "kernels/map.h"

namespace sf {
namespace {

template <class To, class From>
To cast(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Wide = std::conditional_t<(sizeof(To) < 8), int64_t, To>;
    using Limits = std::numeric_limits<Wide>;
    if (value != value) return To(0);
    if (value >= static_cast<From>(Limits::max())) return static_cast<To>(Limits::max());
    if (value <= static_cast<From>(Limits::min())) return static_cast<To>(Limits::min());
    return static_cast<To>(static_cast<Wide>(value));
  } else {
    return static_cast<To>(value);
  }
}

constexpr int64_t kTile = 64;  // a transposed copy goes tile by tile, so that both sides hit L1

// True if the two innermost dimensions are transposed to each other: dst runs along the last one,
// src along the one before.
bool is_transpose(const Loop& loop) {
  const int d = loop.ndim - 2;
  return d >= 0 && loop.sizes[d] >= 8 && loop.sizes[d + 1] >= 8 && loop.step(0) == 1 &&
         loop.strides[1][d] == loop.item[1] && std::abs(loop.strides[1][d + 1]) > loop.item[1];
}

// Numbers of one size are transposed by the kernel for floats of that size.
template <class To, class From>
void transpose_block(const From* x, int64_t x_stride, To* y, int64_t y_stride, int64_t rows,
                     int64_t columns) {
  if constexpr (std::is_same_v<To, From> && sizeof(To) >= 4) {
    using Float = std::conditional_t<sizeof(To) == 4, float, double>;
    kernels<Float>().copy.transpose(reinterpret_cast<const Float*>(x), x_stride,
                                    reinterpret_cast<Float*>(y), y_stride, rows, columns);
  } else {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        y[r * y_stride + c] = cast<To>(x[c * x_stride + r]);
      }
    }
  }
}

template <class To, class From>
void transpose_band(const Loop& loop, char* to, const char* from, int64_t row0, int64_t rows) {
  const int d = loop.ndim - 2;
  const int64_t to_row = loop.strides[0][d] / loop.item[0];
  const int64_t from_column = loop.strides[1][d + 1] / loop.item[1];
  To* out = reinterpret_cast<To*>(to) + row0 * to_row;
  const From* in = reinterpret_cast<const From*>(from) + row0;
  const int64_t columns = loop.sizes[d + 1];
  for (int64_t c = 0; c < columns; c += kTile) {
    transpose_block<To, From>(in + c * from_column, from_column, out + c, to_row, rows,
                              std::min(kTile, columns - c));
  }
}

// Bands of kTile rows of every matrix are the chunks.
template <class To, class From>
void transposed_copy(const Loop& loop) {
  const int d = loop.ndim - 2;
  const int64_t bands = ceil_div(loop.sizes[d], kTile);
  int64_t matrices = 1;
  for (int i = 0; i < d; ++i) matrices *= loop.sizes[i];
  const auto run = [&](int64_t chunk) {
    char* to = loop.data[0];
    const char* from = loop.data[1];
    int64_t rest = chunk / bands;
    for (int i = d - 1; i >= 0; --i) {
      to += rest % loop.sizes[i] * loop.strides[0][i];
      from += rest % loop.sizes[i] * loop.strides[1][i];
      rest /= loop.sizes[i];
    }
    const int64_t row0 = chunk % bands * kTile;
    const int64_t rows = row0 + kTile < loop.sizes[d] ? kTile : loop.sizes[d] - row0;
    transpose_band<To, From>(loop, to, from, row0, rows);
  };
  if (loop.total <= kSerialBelow) {
    for (int64_t i = 0; i < matrices * bands; ++i) run(i);
  } else {
    parallel_for(matrices * bands, run);
  }
}

template <class To, class From>
void copy_rows(const Loop& loop) {
  if (std::is_same_v<To, From> && loop.step(0) == 1 && loop.step(1) == 1) {
    const auto row = [](char* const* at, int64_t n) {
      std::memmove(at[0], at[1], static_cast<size_t>(n) * sizeof(To));
    };
    parallel_rows(loop, row, 0);
  } else if (is_transpose(loop)) {
    transposed_copy<To, From>(loop);
  } else {
    map_rows<To, From>(loop, cast<To, From>);
  }
}

template <class T>
void fill(const Array& dst, T value) {
  const Loop loop = make_loop({&dst});
  launch("fill", [loop, value] { map_rows<T>(loop, [value] { return value; }, 0); });
}

}  // namespace

void copy_now(const Array& src, const Array& dst) {
  const Loop loop = make_loop({&dst, &src});
  dispatch(dst.dtype, [&](auto to) {
    dispatch(src.dtype, [&](auto from) { copy_rows<decltype(to), decltype(from)>(loop); });
  });
}

void run_copy(const Array& src, const Array& dst) {
  launch("copy", [src, dst] { copy_now(src, dst); });
}

void run_fill(const Array& dst, double value) {
  dispatch(dst.dtype, [&](auto zero) { fill(dst, cast<decltype(zero)>(value)); });
}

void run_fill_int(const Array& dst, int64_t value) {
  dispatch(dst.dtype, [&](auto zero) { fill(dst, cast<decltype(zero)>(value)); });
}

}  // namespace sf
