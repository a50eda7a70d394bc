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

// Places further out than this are all the same: outside.
constexpr double kFar = 0x1p30;

// Up to kBlock pixels of a row of the result, the same for every channel: the whole numbers below
// the places that they read, and what is left. Places lie on a line, so those inside the picture
// together with their neighbours to the right and below are a range, [begin, end).
struct Places {
  int32_t row[kBlock], column[kBlock];
  double below[kBlock], beside[kBlock];
  int64_t begin, end;
};

void split_places(const double* at, int64_t n, int32_t* whole, double* rest) {
  for (int64_t k = 0; k < n; ++k) {
    const double place = at[k] < -kFar ? -kFar : at[k] > kFar ? kFar : at[k];
    const auto cut = static_cast<int32_t>(place);
    whole[k] = cut - (static_cast<double>(cut) > place);
    rest[k] = place - static_cast<double>(whole[k]);
  }
}

void find_places(const WarpMap& map, const SampleShape& from, int64_t i, int64_t first, int64_t n,
                 Places& places) {
  const auto row = static_cast<double>(map.row + i * map.row_step);
  const double half = map.bilinear ? 0 : 0.5;
  double r[kBlock], s[kBlock];
  for (int64_t k = 0; k < n; ++k) {
    const auto column = static_cast<double>(map.column + (first + k) * map.column_step);
    r[k] = map.m[0] * row + map.m[1] * column + map.m[2] + half;
    s[k] = map.m[3] * row + map.m[4] * column + map.m[5] + half;
  }
  split_places(r, n, places.row, places.below);
  split_places(s, n, places.column, places.beside);
  const auto inside = [&](int64_t k) {
    return places.row[k] >= 0 && places.column[k] >= 0 && places.row[k] + 1 < from.rows &&
           places.column[k] + 1 < from.columns;
  };
  places.begin = 0;
  while (places.begin < n && !inside(places.begin)) ++places.begin;
  places.end = n;
  while (places.end > places.begin && !inside(places.end - 1)) --places.end;
}

// The taps: where the pixels read, and how much of it they take. The nearest pixel is tap 0.
template <class T>
struct Taps {
  int64_t at[4][kBlock];
  Wide<T> weight[4][kBlock];
};

template <class T>
void find_border_taps(const WarpMap& map, const SampleShape& from, const Layout& layout,
                      const Places& places, int64_t k, Taps<T>& taps) {
  for (int t = 0; t < (map.bilinear ? 4 : 1); ++t) {
    const int64_t r = padded(places.row[k] + t / 2, from.rows, map.mode);
    const int64_t s = padded(places.column[k] + t % 2, from.columns, map.mode);
    const bool outside = r == kOutside || s == kOutside;
    taps.at[t][k] = outside ? kOutside : layout.first + r * layout.row + s * layout.column;
  }
}

template <class T>
void find_taps(const WarpMap& map, const SampleShape& from, const Layout& layout,
               const Places& places, int64_t n, Taps<T>& taps) {
  for (int64_t k = 0; k < places.begin; ++k) {
    find_border_taps(map, from, layout, places, k, taps);
  }
  for (int64_t k = places.end; k < n; ++k) {
    find_border_taps(map, from, layout, places, k, taps);
  }
  for (int64_t k = places.begin; k < places.end; ++k) {
    taps.at[0][k] = layout.first + places.row[k] * layout.row + places.column[k] * layout.column;
  }
  if (!map.bilinear) return;
  for (int t = 1; t < 4; ++t) {
    const int64_t away = t / 2 * layout.row + t % 2 * layout.column;
    for (int64_t k = places.begin; k < places.end; ++k) taps.at[t][k] = taps.at[0][k] + away;
  }
  for (int64_t k = 0; k < n; ++k) {
    const double u = places.below[k], v = places.beside[k];
    taps.weight[0][k] = static_cast<Wide<T>>((1 - u) * (1 - v));
    taps.weight[1][k] = static_cast<Wide<T>>((1 - u) * v);
    taps.weight[2][k] = static_cast<Wide<T>>(u * (1 - v));
    taps.weight[3][k] = static_cast<Wide<T>>(u * v);
  }
}

// Pixels [begin, end) of a row, read by value(offset).
template <class T, class F>
void read_taps(const Taps<T>& taps, bool bilinear, T* out, int64_t begin, int64_t end,
               const F& value) {
  using W = Wide<T>;
  if (!bilinear) {
    for (int64_t k = begin; k < end; ++k) out[k] = value(taps.at[0][k]);
    return;
  }
  const auto part = [&](int t, int64_t k) {
    return taps.weight[t][k] * static_cast<W>(value(taps.at[t][k]));
  };
  for (int64_t k = begin; k < end; ++k) {
    out[k] = stored<T>(part(0, k) + part(1, k) + part(2, k) + part(3, k));
  }
}

template <class T>
void interpolate(const WarpMap& map, const T* x, const SampleShape& from, T* y,
                 const SampleShape& to) {
  const T fill = stored<T>(static_cast<Wide<T>>(map.fill));
  const Layout layout = layout_of(map, from);
  Places places;
  Taps<T> taps;
  for (int64_t i = 0; i < to.rows; ++i) {
    for (int64_t first = 0; first < to.columns; first += kBlock) {
      const int64_t n = std::min(kBlock, to.columns - first);
      find_places(map, from, i, first, n, places);
      find_taps(map, from, layout, places, n, taps);
      for (int64_t c = 0; c < to.channels; ++c) {
        const T* plane = x + c * from.plane();
        T* out = y + (c * to.rows + i) * to.columns + first;
        const auto border = [&](int64_t at) { return at == kOutside ? fill : plane[at]; };
        read_taps(taps, map.bilinear, out, 0, places.begin, border);
        read_taps(taps, map.bilinear, out, places.begin, places.end,
                  [&](int64_t at) { return plane[at]; });
        read_taps(taps, map.bilinear, out, places.end, n, border);
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
