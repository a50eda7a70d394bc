// Max pooling of one plane.
#include "kernels/isa/strided.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
using Lanes = typename Vec<T>::Int;

// 0, step, 2 step, ...
template <class T>
SF_INLINE Lanes<T> ramp(int64_t step) {
  Lanes<T> out = {};
  for (int i = 0; i < Vec<T>::kWidth; ++i) out[i] = static_cast<typename Vec<T>::Lane>(i * step);
  return out;
}
template <class T>
SF_INLINE Lanes<T> spread(int64_t value) {
  return Lanes<T>{} + static_cast<typename Vec<T>::Lane>(value);
}

// Positions of float lanes are moved as the bits of floats.
SF_INLINE void store_positions(Types<float>::Int at, int32_t* to, int64_t n) {
  store_some(Vec<float>::from_bits(at), reinterpret_cast<float*>(to), n);
}
SF_INLINE void store_positions(Types<double>::Int at, int32_t* to, int64_t n) {
  for (int i = 0; i < Vec<double>::kWidth; ++i) {
    if (i < n) to[i] = static_cast<int32_t>(at[i]);
  }
}
SF_INLINE Types<float>::Int load_positions(float, const int32_t* at, int64_t n) {
  return load_or(reinterpret_cast<const float*>(at), n, 0.f).bits();
}
SF_INLINE Types<double>::Int load_positions(double, const int32_t* at, int64_t n) {
  Types<double>::Int out = {};
  for (int i = 0; i < Vec<double>::kWidth; ++i) {
    if (i < n) out[i] = at[i];
  }
  return out;
}

// Windows [begin, end) of row i one by one.
template <class T>
void max_singly(const MaxMap& map, const T* x, int64_t i, int64_t begin, int64_t end, T* y,
                int32_t* at) {
  const WindowMap &h = map.h, &w = map.w;
  for (int64_t j = begin; j < end; ++j) {
    const bool empty = h.count[i] == 0 || w.count[j] == 0;
    const int64_t corner = h.first[i] * w.in + w.first[j];
    T best = empty ? -T(__builtin_inf()) : x[corner];
    int64_t place = empty ? -1 : corner;
    for (int64_t a = 0; a < h.count[i]; ++a) {
      for (int64_t b = 0; b < w.count[j]; ++b) {
        const int64_t here = corner + a * h.dilation * w.in + b * w.dilation;
        const T value = x[here];
        if (!(value > best) && value == value) continue;
        best = value;
        place = here;
      }
    }
    y[j] = best;
    if (at) at[j] = static_cast<int32_t>(place);
  }
}

// Windows [lo, hi) of row i, a lane each.
template <int kStride, bool kPlaces, class T>
SF_INLINE void max_lanes(const MaxMap& map, const T* x, int64_t i, T* y, int32_t* at) {
  using V = Vec<T>;
  const WindowMap &h = map.h, &w = map.w;
  const Lanes<T> steps = ramp<T>(w.stride);
  for (int64_t j = w.lo; j < w.hi; j += V::kWidth) {
    V best = T(0);
    Lanes<T> place = {};
    for (int64_t a = 0; a < h.count[i]; ++a) {
      const int64_t row = (h.first[i] + a * h.dilation) * w.in;
      for (int64_t b = 0; b < w.kernel; ++b) {
        const int64_t column = w.first[j] + b * w.dilation;
        const V value = load_strided<kStride>(x + row + column, w.stride, w.in - column);
        auto better = (value > best) | (value != value);
        if (a == 0 && b == 0) better = spread<T>(-1);
        best = select(better, value, best);
        if constexpr (kPlaces) place = better ? steps + spread<T>(row + column) : place;
      }
    }
    store_some(best, y + j, w.hi - j);
    if constexpr (kPlaces) store_positions(place, at + j, w.hi - j);
  }
}

template <int kStride, class T>
void max_row(const MaxMap& map, const T* x, int64_t i, T* y, int32_t* at) {
  const WindowMap& w = map.w;
  if (map.h.count[i] == 0) return max_singly(map, x, i, 0, w.out, y, at);
  max_singly(map, x, i, 0, w.lo, y, at);
  at ? max_lanes<kStride, true>(map, x, i, y, at) : max_lanes<kStride, false>(map, x, i, y, at);
  max_singly(map, x, i, w.hi, w.out, y, at);
}

// Windows of 2 x 2 that have all their elements and lie side by side along a row.
bool are_tiles(const MaxMap& map) {
  const WindowMap &h = map.h, &w = map.w;
  return h.kernel == 2 && h.dilation == 1 && h.lo == 0 && h.hi == h.out && w.kernel == 2 &&
         w.stride == 2 && w.dilation == 1 && w.lo == 0 && w.hi == w.out;
}

template <bool kPlaces, class T>
void max_tiles(const MaxMap& map, const T* x, T* y, int32_t* at) {
  using V = Vec<T>;
  const int64_t width = map.w.in, out = map.w.out;
  const Lanes<T> steps = ramp<T>(2), below = spread<T>(width);
  for (int64_t i = 0; i < map.h.out; ++i) {
    const int64_t row = map.h.first[i] * width;
    for (int64_t j = 0; j < out; j += V::kWidth) {
      const int64_t corner = row + 2 * j, to = i * out + j;
      V values[4];
      load_pairs(x + corner, width - 2 * j, values[0], values[1]);
      load_pairs(x + corner + width, width - 2 * j, values[2], values[3]);
      const Lanes<T> here = steps + spread<T>(corner);
      const Lanes<T> places[4] = {here, here + 1, here + below, here + below + 1};
      V best = values[0];
      Lanes<T> place = here;
      for (int k = 1; k < 4; ++k) {
        const auto better = (values[k] > best) | (values[k] != values[k]);
        best = select(better, values[k], best);
        if constexpr (kPlaces) place = better ? places[k] : place;
      }
      store_some(best, y + to, out - j);
      if constexpr (kPlaces) store_positions(place, at + to, out - j);
    }
  }
}

template <class T>
void max_plane(const MaxMap& map, const T* x, T* y, int32_t* at) {
  if (are_tiles(map)) return at ? max_tiles<true>(map, x, y, at) : max_tiles<false>(map, x, y, at);
  const WindowMap& w = map.w;
  const auto row = w.stride == 1 ? max_row<1, T> : w.stride == 2 ? max_row<2, T> : max_row<0, T>;
  for (int64_t i = 0; i < map.h.out; ++i) row(map, x, i, y + i * w.out, at ? at + i * w.out : at);
}

template <class T>
void place_2x2(const MaxMap& map, const T* g, const int32_t* at, T* dx) {
  using V = Vec<T>;
  const WindowMap &h = map.h, &w = map.w;
  const Lanes<T> steps = ramp<T>(2);
  for (int64_t row = 0; row < h.in; ++row) {
    T* to = dx + row * w.in;
    const int64_t i = row / 2;
    const int64_t covered = i < h.out ? w.out : 0;
    for (int64_t j = 0; j < covered; j += V::kWidth) {
      const int64_t left = w.out - j;
      const V value = load_or(g + i * w.out + j, left, T(0));
      const Lanes<T> place = load_positions(T(0), at + i * w.out + j, left);
      const Lanes<T> even = steps + spread<T>(row * w.in + 2 * j);
      const Lanes<T> hits = (Lanes<T>)(place == even), next = (Lanes<T>)(place == even + 1);
      store_pairs(select(hits, value, V(T(0))), select(next, value, V(T(0))), to + 2 * j, left);
    }
    for (int64_t column = 2 * covered; column < w.in; ++column) to[column] = 0;
  }
}

template <class T>
void fill(PoolKernels<T>& kernels) {
  kernels.max_plane = max_plane<T>;
  kernels.place_2x2 = place_2x2<T>;
}

}  // namespace

void fill_pool(KernelTable& table);

void fill_pool(KernelTable& table) {
  fill(table.f32.pool);
  fill(table.f64.pool);
}

}  // namespace sf::SF_ISA_NAMESPACE
