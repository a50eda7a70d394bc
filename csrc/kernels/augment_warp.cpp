// Reading a sample through its map: whole pixels by copies, the rest by interpolation.
#include "kernels/augment_warp.h"

#include <algorithm>
#include <cstring>

#include "kernels/augment_pixel.h"

namespace sf {
namespace {

constexpr int64_t kOutside = -1;
constexpr int64_t kBlock = 64;  // columns whose taps are computed together

int64_t modulo(int64_t i, int64_t n) {
  const int64_t r = i % n;
  return r < 0 ? r + n : r;
}

// The row (or column) of n that stands for place i, or kOutside.
int64_t padded(int64_t i, int64_t n, PadMode mode) {
  if (i >= 0 && i < n) return i;
  switch (mode) {
    case PadMode::kConstant:
      return kOutside;
    case PadMode::kEdge:
      return i < 0 ? 0 : n - 1;
    case PadMode::kReflect: {
      if (n == 1) return 0;
      const int64_t r = modulo(i, 2 * (n - 1));
      return r < n ? r : 2 * (n - 1) - r;
    }
    case PadMode::kSymmetric: {
      const int64_t r = modulo(i, 2 * n);
      return r < n ? r : 2 * n - 1 - r;
    }
    default:
      return modulo(i, n);
  }
}

int64_t source(int64_t i, int64_t n, PadMode mode, bool flipped) {
  const int64_t at = padded(i, n, mode);
  return at == kOutside || !flipped ? at : n - 1 - at;
}

// Column j of a row of the result is column first + j step of x, for begin <= j < end.
template <class T>
void copy_columns(const T* x, int64_t first, int64_t step, T* y, int64_t begin, int64_t end) {
  if (begin >= end) return;
  if (step > 0) {
    std::memcpy(y + begin, x + first + begin, static_cast<size_t>(end - begin) * sizeof(T));
  } else {
    std::reverse_copy(x + first - end + 1, x + first - begin + 1, y + begin);
  }
}

// A map of whole pixels.
template <class T>
void copy_sample(const WarpMap& map, const T* x, const SampleShape& from, T* y,
                 const SampleShape& to) {
  const T fill = stored<T>(static_cast<Wide<T>>(map.fill));
  const int64_t width = from.columns;
  // Without the mode: column j reads first + j step, inside for begin <= j < end.
  const int64_t step = map.flip_columns ? -map.column_step : map.column_step;
  const int64_t first = map.flip_columns ? width - 1 - map.column : map.column;
  const int64_t low = step > 0 ? -first : first - width + 1;
  const int64_t high = step > 0 ? width - first : first + 1;
  const int64_t begin = std::clamp<int64_t>(low, 0, to.columns);
  const int64_t end = std::clamp<int64_t>(high, begin, to.columns);
  const auto border = [&](const T* row, T* out, int64_t j) {
    const int64_t at = source(map.column + j * map.column_step, width, map.mode, map.flip_columns);
    out[j] = at == kOutside ? fill : row[at];
  };
  for (int64_t c = 0; c < to.channels; ++c, x += from.plane()) {
    for (int64_t i = 0; i < to.rows; ++i, y += to.columns) {
      const int64_t r = source(map.row + i * map.row_step, from.rows, map.mode, map.flip_rows);
      if (r == kOutside) {
        std::fill(y, y + to.columns, fill);
        continue;
      }
      const T* row = x + r * width;
      for (int64_t j = 0; j < begin; ++j) border(row, y, j);
      copy_columns(row, first, step, y, begin, end);
      for (int64_t j = end; j < to.columns; ++j) border(row, y, j);
    }
  }
}

int64_t floor_of(double r) {
  const auto whole = static_cast<int64_t>(r);
  return whole - (static_cast<double>(whole) > r);
}

// Where up to kBlock pixels of a row of the result read the source, the same for every channel.
template <class T>
struct Taps {
  bool inside;  // no tap is kOutside
  int64_t at[4][kBlock];
  Wide<T> weight[4][kBlock];
};

// Places further out than this are all the same: outside.
constexpr double kFar = 0x1p40;

// The source as offsets: pixel (r, s) lies at first + r row + s column.
struct Layout {
  int64_t first, row, column;
};

Layout layout_of(const WarpMap& map, const SampleShape& from) {
  const int64_t row = map.flip_rows ? -from.columns : from.columns;
  const int64_t column = map.flip_columns ? -1 : 1;
  return {(row < 0 ? (from.rows - 1) * from.columns : 0) + (column < 0 ? from.columns - 1 : 0), row,
          column};
}

int64_t offset_of(const WarpMap& map, const SampleShape& from, const Layout& layout, int64_t r,
                  int64_t s) {
  r = padded(r, from.rows, map.mode);
  s = padded(s, from.columns, map.mode);
  return r == kOutside || s == kOutside ? kOutside
                                        : layout.first + r * layout.row + s * layout.column;
}

// The four taps around (r, s), and their weights, as entry k.
template <class T>
void find_four(const WarpMap& map, const SampleShape& from, const Layout& layout, double r,
               double s, int64_t k, Taps<T>& taps) {
  const int64_t r0 = floor_of(r), s0 = floor_of(s);
  const double u = r - static_cast<double>(r0), v = s - static_cast<double>(s0);
  const double weights[4] = {(1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v};
  for (int t = 0; t < 4; ++t) taps.weight[t][k] = static_cast<Wide<T>>(weights[t]);
  if (r0 >= 0 && s0 >= 0 && r0 + 1 < from.rows && s0 + 1 < from.columns) {
    const int64_t at = layout.first + r0 * layout.row + s0 * layout.column;
    for (int t = 0; t < 4; ++t) {
      taps.at[t][k] = at + (t / 2) * layout.row + (t % 2) * layout.column;
    }
    return;
  }
  for (int t = 0; t < 4; ++t) {
    taps.at[t][k] = offset_of(map, from, layout, r0 + t / 2, s0 + t % 2);
    taps.inside &= taps.at[t][k] != kOutside;
  }
}

template <class T>
void find_taps(const WarpMap& map, const SampleShape& from, int64_t i, int64_t begin, int64_t n,
               Taps<T>& taps) {
  const Layout layout = layout_of(map, from);
  const auto row = static_cast<double>(map.row + i * map.row_step);
  taps.inside = true;
  for (int64_t k = 0; k < n; ++k) {
    const auto column = static_cast<double>(map.column + (begin + k) * map.column_step);
    const double r = std::clamp(map.m[0] * row + map.m[1] * column + map.m[2], -kFar, kFar);
    const double s = std::clamp(map.m[3] * row + map.m[4] * column + map.m[5], -kFar, kFar);
    if (map.bilinear) {
      find_four(map, from, layout, r, s, k, taps);
    } else {
      const int64_t at = offset_of(map, from, layout, floor_of(r + 0.5), floor_of(s + 0.5));
      taps.at[0][k] = at;
      taps.inside &= at != kOutside;
    }
  }
}

// n pixels of a row, read by value(offset).
template <class T, class F>
void read_taps(const Taps<T>& taps, bool bilinear, T* out, int64_t n, const F& value) {
  using W = Wide<T>;
  if (!bilinear) {
    for (int64_t k = 0; k < n; ++k) out[k] = value(taps.at[0][k]);
    return;
  }
  for (int64_t k = 0; k < n; ++k) {
    W sum = 0;
    for (int t = 0; t < 4; ++t) {
      sum += taps.weight[t][k] * static_cast<W>(value(taps.at[t][k]));
    }
    out[k] = stored<T>(sum);
  }
}

template <class T>
void interpolate(const WarpMap& map, const T* x, const SampleShape& from, T* y,
                 const SampleShape& to) {
  const T fill = stored<T>(static_cast<Wide<T>>(map.fill));
  Taps<T> taps;
  for (int64_t i = 0; i < to.rows; ++i) {
    for (int64_t begin = 0; begin < to.columns; begin += kBlock) {
      const int64_t n = std::min(kBlock, to.columns - begin);
      find_taps(map, from, i, begin, n, taps);
      for (int64_t c = 0; c < to.channels; ++c) {
        const T* plane = x + c * from.plane();
        T* out = y + (c * to.rows + i) * to.columns + begin;
        if (taps.inside) {
          read_taps(taps, map.bilinear, out, n, [&](int64_t at) { return plane[at]; });
        } else {
          read_taps(taps, map.bilinear, out, n,
                    [&](int64_t at) { return at == kOutside ? fill : plane[at]; });
        }
      }
    }
  }
}

}  // namespace

template <class T>
void warp_sample(const WarpMap& map, const T* x, const SampleShape& from, T* y,
                 const SampleShape& to) {
  if (map.affine) {
    interpolate(map, x, from, y, to);
  } else {
    copy_sample(map, x, from, y, to);
  }
}

template void warp_sample(const WarpMap&, const float*, const SampleShape&, float*,
                          const SampleShape&);
template void warp_sample(const WarpMap&, const double*, const SampleShape&, double*,
                          const SampleShape&);
template void warp_sample(const WarpMap&, const uint8_t*, const SampleShape&, uint8_t*,
                          const SampleShape&);

}  // namespace sf
