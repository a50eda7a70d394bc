// The micro-kernel of the convolutions, and the copies that feed it.
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

#if defined(SF_ISA_avx512)
constexpr int kRows = 14, kRegisters = 32;
#elif defined(SF_ISA_avx2)
constexpr int kRows = 6, kRegisters = 16;
#else
constexpr int kRows = 4, kRegisters = 16;
#endif
constexpr int kMaxVecs = 8;

// Vectors per row of the tile: the sums, the vectors of B and one spread number of A fill the
// registers.
template <int M>
constexpr int kVecs = (kRegisters - 1) / (M + 1) < kMaxVecs ? (kRegisters - 1) / (M + 1) : kMaxVecs;

template <class T, int M, int NV, bool kPartial>
SF_INLINE void finish(const IndexedPanel<T>& p, T* c, int64_t last, Vec<T> (&sum)[M][NV]) {
  using V = Vec<T>;
  SF_UNROLL
  for (int i = 0; i < M; ++i) {
    const V bias = p.bias ? V::broadcast(p.bias[i]) : V(T(0));
    SF_UNROLL
    for (int j = 0; j < NV; ++j) {
      T* at = c + i * p.c_row + j * p.c_vec;
      const int64_t n = j == NV - 1 ? last : p.lanes;
      V out = sum[i][j];
      if (p.add) out += kPartial ? V::load_partial(at, n) : V::load(at);
      if (p.bias) out += bias;
      if (kPartial) {
        out.store_partial(at, n);
      } else {
        out.store(at);
      }
    }
  }
}

template <class T, int M, int NV>
void tile(const IndexedPanel<T>& p, const T* b, T* c, int64_t last) {
  using V = Vec<T>;
  V sum[M][NV];
  SF_UNROLL
  for (int i = 0; i < M; ++i) {
    SF_UNROLL
    for (int j = 0; j < NV; ++j) sum[i][j] = V(T(0));
  }
  const T* a = p.a;
  const int32_t* at = p.b_at;
  const int64_t b_vec = p.b_vec, a_k = p.a_k;
  const int64_t ahead = NV * b_vec;  // where the next tile reads
  for (int64_t k = p.k; k > 0; --k, a += a_k) {
    const T* from = b + *at++;
    V row[NV];
    if (M > 2) __builtin_prefetch(from + ahead);
    SF_UNROLL
    for (int j = 0; j < NV; ++j) row[j] = V::load(from + j * b_vec);
    SF_UNROLL
    for (int i = 0; i < M; ++i) {
      const V factor = V::broadcast(a[i]);
      SF_UNROLL
      for (int j = 0; j < NV; ++j) sum[i][j] = fma(factor, row[j], sum[i][j]);
    }
  }
  if (p.lanes == V::kWidth && last == V::kWidth) {
    finish<T, M, NV, false>(p, c, last, sum);
  } else {
    finish<T, M, NV, true>(p, c, last, sum);
  }
}

template <class T>
using Tile = void (*)(const IndexedPanel<T>&, const T* b, T* c, int64_t last);

template <class T>
struct Tiles {
  Tile<T> tile[kRows][kMaxVecs];  // [rows - 1][vectors - 1]
  int vecs[kRows];                // of the widest
};

template <class T, int M, int NV = kVecs<M>>
constexpr void add_vecs(Tiles<T>& tiles) {
  tiles.tile[M - 1][NV - 1] = tile<T, M, NV>;
  if constexpr (NV > 1) add_vecs<T, M, NV - 1>(tiles);
}

template <class T, int M = kRows>
constexpr void add_rows(Tiles<T>& tiles) {
  tiles.vecs[M - 1] = kVecs<M>;
  add_vecs<T, M>(tiles);
  if constexpr (M > 1) add_rows<T, M - 1>(tiles);
}

template <class T>
constexpr Tiles<T> make_tiles() {
  Tiles<T> tiles{};
  add_rows<T>(tiles);
  return tiles;
}

template <class T>
constexpr Tiles<T> kTiles = make_tiles<T>();

template <class T>
void indexed(const IndexedPanel<T>& p) {
  const auto& tiles = kTiles<T>.tile[p.m - 1];
  const int64_t most = kTiles<T>.vecs[p.m - 1];
  const T* b = p.b;
  T* c = p.c;
  // Shared out evenly, so that no tile is left with a single vector.
  int64_t left = p.vecs;
  for (int64_t count = (left + most - 1) / most; count > 0; --count) {
    const int64_t vecs = (left + count - 1) / count;
    left -= vecs;
    tiles[vecs - 1](p, b, c, left == 0 ? p.last : p.lanes);
    b += vecs * p.b_vec;
    c += vecs * p.c_vec;
  }
}

template <class T>
void gather(T* to, int64_t to_k, int64_t depth, const T* from, const int32_t* at, const Span* spans,
            int64_t count) {
  using V = Vec<T>;
  constexpr int32_t kHalf = V::kWidth / 2;
  for (int64_t k = 0; k < depth; ++k, to += to_k) {
    const T* row = from + at[k];
    for (int64_t s = 0; s < count; ++s) {
      const T* source = row + spans[s].from;
      T* target = to + spans[s].to;
      const int32_t n = spans[s].n;
      if (n <= kHalf) {  // stores of half a vector cross fewer lines of the cache
        __builtin_memcpy(target, source, kHalf * sizeof(T));
        continue;
      }
      for (int32_t i = 0; i < n; i += V::kWidth) V::load(source + i).store(target + i);
    }
  }
}

template <class T>
void pad_rows(T* to, int64_t pitch, const T* from, int64_t from_row, int64_t rows, int64_t left,
              int64_t width) {
  using V = Vec<T>;
  to += left;
  for (int64_t r = 0; r < rows; ++r, to += pitch, from += from_row) {
    int64_t i = 0;
    for (; i + V::kWidth <= width; i += V::kWidth) V::load(from + i).store(to + i);
    if (i < width) V::load_partial(from + i, width - i).store_partial(to + i, width - i);
  }
}

// Lane i of the result: lane from[i] of a (or, from kWidth on, of b).
template <class Raw, int... from>
SF_INLINE Raw pick(Raw a, Raw b, LaneList<from...>) {
  return __builtin_shufflevector(a, b, from...);
}
template <int... i>
SF_INLINE auto evens(LaneList<i...>) {
  return LaneList<2 * i...>{};
}
template <int start, int... i>
SF_INLINE auto doubled(LaneList<i...>) {
  return LaneList<start + i / 2 ...>{};
}

SF_INLINE int64_t clamp(int64_t n, int64_t most) { return n < 0 ? 0 : n < most ? n : most; }

template <class T>
void take_second(T* to, const T* from, int64_t n) {
  using V = Vec<T>;
  constexpr int kWidth = V::kWidth;
  int64_t i = 0;
  for (; i + kWidth < n; i += kWidth) {
    const V a = V::load(from + 2 * i), b = V::load(from + 2 * i + kWidth);
    V(pick(a.v, b.v, evens(all_lanes<kWidth>()))).store(to + i);
  }
  for (; i < n; i += kWidth) {
    const int64_t left = 2 * (n - i) - 1;  // numbers up to the last one taken
    const T* at = from + 2 * i;
    const V a = V::load_partial(at, clamp(left, kWidth));
    const V b = V::load_partial(at + kWidth, clamp(left - kWidth, kWidth));
    const V out = pick(a.v, b.v, evens(all_lanes<kWidth>()));
    out.store_partial(to + i, clamp(n - i, kWidth));
  }
}

template <class T>
void put_second(T* to, const T* from, int64_t n, T add) {
  using V = Vec<T>;
  constexpr int kWidth = V::kWidth;
  typename V::Int even;
  for (int i = 0; i < kWidth; ++i) even[i] = i % 2 == 0 ? -1 : 0;
  for (int64_t i = 0; i < n; i += kWidth) {
    const int64_t left = 2 * (n - i) - 1;
    const int64_t first = clamp(left, kWidth), second = clamp(left - kWidth, kWidth);
    const V x = V::load_partial(from + i, clamp(n - i, kWidth)) + V(add);
    T* at = to + 2 * i;
    const V low = pick(x.v, x.v, doubled<0>(all_lanes<kWidth>()));
    const V high = pick(x.v, x.v, doubled<kWidth / 2>(all_lanes<kWidth>()));
    select(even, low, V::load_partial(at, first)).store_partial(at, first);
    at += kWidth;
    select(even, high, V::load_partial(at, second)).store_partial(at, second);
  }
}

// ------------------------------------------------------------------------ sums over pixels

template <class T>
constexpr int kParts = kDotLanes / Vec<T>::kWidth;  // vectors of kDotLanes lanes
template <class T>
constexpr int kSums = kRegisters * 3 / 4 / kParts<T>;  // that fit the registers
template <class T>
constexpr int kDotRows = kSums<T> >= 24  ? 6
                         : kSums<T> >= 3 ? 3
                                         : 1;
template <class T, int M>
constexpr int kDotTaps = kSums<T> / M > 12 ? 12 : kSums<T> / M;
constexpr int kMaxDotTaps = 12;

// Adds one column block: the n columns of rows of a and b from here on.
template <class T, int M, int NT, bool kPartial>
SF_INLINE void dot_block(const DotPanel<T>& p, const T* a, const T* b, int64_t n,
                         Vec<T> (&sum)[M][NT][kParts<T>], const int32_t (&at)[NT]) {
  using V = Vec<T>;
  SF_UNROLL
  for (int v = 0; v < kParts<T>; ++v) {
    const int64_t lanes = clamp(n - v * V::kWidth, V::kWidth);
    const auto load = [lanes, v](const T* from) __attribute__((always_inline)) {
      from += v * V::kWidth;
      return kPartial ? V::load_partial(from, lanes) : V::load(from);
    };
    V left[M];
    SF_UNROLL
    for (int i = 0; i < M; ++i) left[i] = load(a + i * p.a_row);
    SF_UNROLL
    for (int t = 0; t < NT; ++t) {
      const V right = load(b + at[t]);
      SF_UNROLL
      for (int i = 0; i < M; ++i) sum[i][t][v] = fma(left[i], right, sum[i][t][v]);
    }
  }
}

template <class T, int M, int NT>
void dot_tile(const DotPanel<T>& p, int64_t first) {
  using V = Vec<T>;
  V sum[M][NT][kParts<T>];
  int32_t at[NT];
  T* sums = p.sums + first * kDotLanes;
  SF_UNROLL
  for (int t = 0; t < NT; ++t) {
    at[t] = p.b_at[first + t];
    SF_UNROLL
    for (int i = 0; i < M; ++i) {
      const T* from = sums + (i * p.row + t) * kDotLanes;
      SF_UNROLL
      for (int v = 0; v < kParts<T>; ++v) sum[i][t][v] = V::load(from + v * V::kWidth);
    }
  }
  const T* a = p.a;
  const T* b = p.b;
  for (int64_t y = 0; y < p.rows; ++y, a += p.a_y, b += p.b_y) {
    int64_t x = 0;
    for (; x + kDotLanes <= p.cols; x += kDotLanes) {
      dot_block<T, M, NT, false>(p, a + x, b + x, kDotLanes, sum, at);
    }
    if (x < p.cols) dot_block<T, M, NT, true>(p, a + x, b + x, p.cols - x, sum, at);
  }
  SF_UNROLL
  for (int t = 0; t < NT; ++t) {
    SF_UNROLL
    for (int i = 0; i < M; ++i) {
      T* to = sums + (i * p.row + t) * kDotLanes;
      SF_UNROLL
      for (int v = 0; v < kParts<T>; ++v) sum[i][t][v].store(to + v * V::kWidth);
    }
  }
}

template <class T>
struct DotTiles {
  void (*tile[kDotRows<T>][kMaxDotTaps])(const DotPanel<T>&, int64_t);
  int taps[kDotRows<T>];
};

template <class T, int M, int NT = kDotTaps<T, M>>
constexpr void add_dot_taps(DotTiles<T>& tiles) {
  tiles.tile[M - 1][NT - 1] = dot_tile<T, M, NT>;
  if constexpr (NT > 1) add_dot_taps<T, M, NT - 1>(tiles);
}

template <class T, int M = kDotRows<T>>
constexpr void add_dot_rows(DotTiles<T>& tiles) {
  tiles.taps[M - 1] = kDotTaps<T, M>;
  add_dot_taps<T, M>(tiles);
  if constexpr (M > 1) add_dot_rows<T, M - 1>(tiles);
}

template <class T>
constexpr DotTiles<T> make_dot_tiles() {
  DotTiles<T> tiles{};
  add_dot_rows<T>(tiles);
  return tiles;
}

template <class T>
constexpr DotTiles<T> kDotTiles = make_dot_tiles<T>();

template <class T>
void dot(const DotPanel<T>& p) {
  const int64_t most = kDotTiles<T>.taps[p.m - 1];
  int64_t first = 0;
  for (int64_t count = (p.taps + most - 1) / most; count > 0; --count) {
    const int64_t taps = (p.taps - first + count - 1) / count;
    kDotTiles<T>.tile[p.m - 1][taps - 1](p, first);
    first += taps;
  }
}

template <class T>
void fill(ConvKernels<T>& kernels) {
  kernels.dot_rows = kDotRows<T>;
  kernels.dot = dot<T>;
  kernels.take_second = take_second<T>;
  kernels.put_second = put_second<T>;
  kernels.indexed = indexed<T>;
  kernels.gather = gather<T>;
  kernels.pad_rows = pad_rows<T>;
}

}  // namespace

void fill_conv(KernelTable& table);

void fill_conv(KernelTable& table) {
  fill(table.f32.conv);
  fill(table.f64.conv);
}

}  // namespace sf::SF_ISA_NAMESPACE
