// The micro-kernels of the matrix product: a tile of C in registers, and dot products.
#include "kernels/isa/gemm_pack.h"
#include "kernels/isa/gemm_turn.h"
#include "kernels/table.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

// Rows of the tile: with two vectors per row the sums fill the registers but for the two vectors
// of B and one spread number of A.
#if defined(SF_ISA_avx512)
constexpr int kRows = 14;
#elif defined(SF_ISA_avx2)
constexpr int kRows = 6;
#else
constexpr int kRows = 4;
#endif
constexpr int kVecs = 2;

template <class T>
constexpr int kCols = kVecs * Vec<T>::kWidth;

// Adds what C holds and the bias to the finished sums and stores them.
template <class T, int M, int NV, bool kTail>
SF_INLINE void finish(const GemmPanel<T>& p, Vec<T> (&sum)[M][NV], int64_t tail) {
  using V = Vec<T>;
  T* const c = p.c;  // what is stored might change p, for all the compiler knows
  const int64_t c_row = p.c_row;
  const auto load = [tail](const T* from, int j) __attribute__((always_inline)) {
    return kTail && j == NV - 1 ? V::load_partial(from, tail) : V::load(from);
  };
  if (p.add) {
    SF_UNROLL
    for (int i = 0; i < M; ++i) {
      SF_UNROLL
      for (int j = 0; j < NV; ++j) sum[i][j] += load(c + i * c_row + j * V::kWidth, j);
    }
  }
  if (p.bias) {
    SF_UNROLL
    for (int j = 0; j < NV; ++j) {
      const V bias = load(p.bias + j * V::kWidth, j);
      SF_UNROLL
      for (int i = 0; i < M; ++i) sum[i][j] += bias;
    }
  }
  SF_UNROLL
  for (int i = 0; i < M; ++i) {
    SF_UNROLL
    for (int j = 0; j < NV; ++j) {
      T* const at = c + i * c_row + j * V::kWidth;
      if (kTail && j == NV - 1) {
        sum[i][j].store_partial(at, tail);
      } else {
        sum[i][j].store(at);
      }
    }
  }
}

// Whether vector j begins a cache line, where vector 0 does.
constexpr bool starts_line(int j) { return j * kVecBytes % 64 == 0; }

// Fetches the next place into the second-level cache.
template <class T>
SF_INLINE void fetch(GemmAhead<T>& ahead) {
  __builtin_prefetch(ahead.at, 0, 2);
  const bool end = ++ahead.line == ahead.lines;
  ahead.at += end ? ahead.run_step : ahead.line_step;
  ahead.line = end ? 0 : ahead.line;
}

// The operands of a tile on their way along k.
template <class T, int M, int NV, bool kUnitRow, bool kTail>
struct Sums {
  using V = Vec<T>;
  // How many instructions a step has decides how long it takes: rows of A that lie apart are
  // reached from one pointer for every five, with no arithmetic of their own.
  static constexpr int kReach = kUnitRow ? M : 5;

  V sum[M][NV];
  const char* a[(M + kReach - 1) / kReach];
  const T* b;
  int64_t a_row, a_row2, a_row3;  // bytes from one row to the next, to the second, to the third
  int64_t a_k, b_k, tail;

  // Rows of B that are not packed lie too far apart for the processor to foresee the next one, and
  // packed ones are read faster than it fetches. This fetches what is needed some 90 cycles later;
  // few rows of C have longer runs and do without. Narrow tiles' panels of A stay in cache.
  static constexpr int kAheadB = least(24, 180 / (M * NV)), kAheadA = 8;
  static constexpr bool kFetchA = kUnitRow && M > 2 && kVecBytes == 64;

  SF_INLINE explicit Sums(const GemmPanel<T>& p, int64_t last) {
    SF_UNROLL
    for (int i = 0; i < M; ++i) {
      SF_UNROLL
      for (int j = 0; j < NV; ++j) sum[i][j] = V(T(0));
    }
    constexpr int64_t kSize = sizeof(T);
    a_row = (kUnitRow ? 1 : p.a_row) * kSize;
    a_row2 = 2 * a_row;
    a_row3 = 3 * a_row;
    for (int g = 0; g * kReach < M; ++g) {
      a[g] = reinterpret_cast<const char*>(p.a) + g * kReach * a_row;
    }
    a_k = (kUnitRow ? p.a_k : 1) * kSize;
    b = p.b;
    b_k = p.b_k;
    tail = last;
  }

  SF_INLINE V factor(int i) const {
    constexpr int64_t kSize = sizeof(T);
    const int64_t places[] = {0, a_row, a_row2, a_row3, 4 * a_row};
    const char* from = a[i / kReach] + (kUnitRow ? i * kSize : places[i % kReach]);
    return V::broadcast(*reinterpret_cast<const T*>(from));
  }

  SF_INLINE void step() {
    if (!kUnitRow) asm("" : "+r"(a_row), "+r"(a_row2), "+r"(a_row3));  // not to be taken apart
    V row[NV];
    SF_UNROLL
    for (int j = 0; j < NV; ++j) {
      const T* from = b + j * V::kWidth;
      if (M > 2 && starts_line(j)) __builtin_prefetch(from + kAheadB * b_k);
      row[j] = kTail && j == NV - 1 ? V::load_partial(from, tail) : V::load(from);
    }
    for (int at = 0; kFetchA && at < M * static_cast<int>(sizeof(T)); at += 64) {
      __builtin_prefetch(a[0] + kAheadA * a_k + at);
    }
    SF_UNROLL
    for (int i = 0; i < M; ++i) {
      const V each = factor(i);
      SF_UNROLL
      for (int j = 0; j < NV; ++j) sum[i][j] = fma(each, row[j], sum[i][j]);
    }
    SF_UNROLL
    for (int g = 0; g * kReach < M; ++g) a[g] += a_k;
    b += b_k;
  }
};

// M rows by NV vectors; with kTail the last vector has `tail` lanes. kUnitRow: a_row is 1, else
// a_k is. The first steps fetch the tile of C, the next ones what the caller wants.
template <class T, int M, int NV, bool kUnitRow, bool kTail>
void tile(const GemmPanel<T>& p, int64_t tail) {
  using V = Vec<T>;
  Sums<T, M, NV, kUnitRow, kTail> sums(p, tail);
  int64_t k = p.k;
  const T* c = p.c;
  for (int64_t left = p.fetch_c ? least(M, k) : 0; left > 0; --left, --k, c += p.c_row) {
    SF_UNROLL
    for (int j = 0; j < NV; ++j) {
      if (starts_line(j)) __builtin_prefetch(c + j * V::kWidth, 1);
    }
    sums.step();
  }
  if (p.ahead) {
    GemmAhead<T> ahead = *p.ahead;
    const int64_t count = least(k, least(ahead.left, ahead.per_tile));
    for (int64_t left = count; left > 0; --left, --k) {
      fetch(ahead);
      sums.step();
    }
    ahead.left -= count;
    *p.ahead = ahead;
  }
  for (; k > 0; --k) sums.step();
  finish<T, M, NV, kTail>(p, sums.sum, tail);
}

template <class T>
using Tile = void (*)(const GemmPanel<T>&, int64_t tail);

// Few rows leave registers for more vectors of C, if the panels of B lie side by side.
template <int M>
constexpr int kWideVecs = M == 1                             ? 8
                          : M == 2 || (M <= 4 && kRows > 12) ? 4
                                                             : kVecs;

template <class T>
struct Tiles {
  Tile<T> full[kRows][kVecs][2];     // [rows - 1][vectors - 1][kUnitRow]
  Tile<T> partial[kRows][kVecs][2];  // the last vector masked
  Tile<T> wide[kRows][2];
  int wide_vecs[kRows];
};

template <class T, int M, bool kUnitRow>
constexpr void add_tiles(Tiles<T>& tiles) {
  tiles.full[M - 1][0][kUnitRow] = tile<T, M, 1, kUnitRow, false>;
  tiles.full[M - 1][1][kUnitRow] = tile<T, M, 2, kUnitRow, false>;
  tiles.partial[M - 1][0][kUnitRow] = tile<T, M, 1, kUnitRow, true>;
  tiles.partial[M - 1][1][kUnitRow] = tile<T, M, 2, kUnitRow, true>;
  tiles.wide[M - 1][kUnitRow] = tile<T, M, kWideVecs<M>, kUnitRow, false>;
  tiles.wide_vecs[M - 1] = kWideVecs<M>;
}

template <class T, int M = kRows>
constexpr void add_rows(Tiles<T>& tiles) {
  add_tiles<T, M, false>(tiles);
  add_tiles<T, M, true>(tiles);
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
SF_INLINE void advance(GemmPanel<T>& p, int64_t columns, int64_t b_step) {
  p.n -= columns;
  p.b += b_step;
  p.c += columns;
  if (p.bias) p.bias += columns;
}

template <class T>
void panel(const GemmPanel<T>& whole) {
  constexpr int kWidth = Vec<T>::kWidth;
  const Tiles<T>& tiles = kTiles<T>;
  GemmPanel<T> p = whole;
  const int64_t m = p.m - 1;
  const bool unit_row = p.a_row == 1;
  if (p.b_panel == kCols<T>) {  // not packed
    const int64_t columns = tiles.wide_vecs[m] * kWidth;
    for (; p.n >= columns; advance(p, columns, columns)) tiles.wide[m][unit_row](p, 0);
  }
  const Tile<T> full = tiles.full[m][kVecs - 1][unit_row];
  for (; p.n >= kCols<T>; advance(p, kCols<T>, p.b_panel)) full(p, 0);
  if (p.n <= 0) return;
  const int64_t vecs = (p.n + kWidth - 1) / kWidth, tail = p.n - (vecs - 1) * kWidth;
  const auto& last = tail == kWidth ? tiles.full : tiles.partial;
  last[m][vecs - 1][unit_row](p, tail);
}

constexpr int kLanes = 16;  // running sums of a dot product

// The sums of one column: element k of the products goes to lane k modulo kLanes.
template <class T>
SF_INLINE T fold(const Vec<T> (&sum)[kLanes / Vec<T>::kWidth]) {
  T lane[kLanes];
  SF_UNROLL
  for (int v = 0; v < kLanes / Vec<T>::kWidth; ++v) sum[v].store(lane + v * Vec<T>::kWidth);
  SF_UNROLL
  for (int half = kLanes / 2; half > 0; half /= 2) {
    SF_UNROLL
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

// J columns at once, so that J * kLanes / kWidth chains hide the latency of the multiply-add.
template <class T, int J>
SF_INLINE void dot_columns(T* y, const T* x, const T* b, int64_t b_row, int64_t depth) {
  using V = Vec<T>;
  constexpr int kParts = kLanes / V::kWidth;
  V sum[J][kParts];
  SF_UNROLL
  for (int j = 0; j < J; ++j) {
    SF_UNROLL
    for (int v = 0; v < kParts; ++v) sum[j][v] = V(T(0));
  }
  int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) {
    SF_UNROLL
    for (int v = 0; v < kParts; ++v) {
      const V factor = V::load(x + k + v * V::kWidth);
      SF_UNROLL
      for (int j = 0; j < J; ++j) {
        sum[j][v] = fma(factor, V::load(b + j * b_row + k + v * V::kWidth), sum[j][v]);
      }
    }
  }
  for (int v = 0; k < depth; ++v, k += V::kWidth) {
    const int64_t left = least(V::kWidth, depth - k);
    const V factor = V::load_partial(x + k, left);
    for (int j = 0; j < J; ++j) {
      sum[j][v] = fma(factor, V::load_partial(b + j * b_row + k, left), sum[j][v]);
    }
  }
  for (int j = 0; j < J; ++j) y[j] = fold<T>(sum[j]);
}

template <class T>
void dot(T* y, const T* x, const T* b, int64_t b_row, int64_t n, int64_t depth) {
  constexpr int kTogether = Vec<T>::kWidth / 2;
  int64_t j = 0;
  for (; j + kTogether <= n; j += kTogether) {
    dot_columns<T, kTogether>(y + j, x, b + j * b_row, b_row, depth);
  }
  for (; j < n; ++j) dot_columns<T, 1>(y + j, x, b + j * b_row, b_row, depth);
}

template <class T>
void fill(GemmKernels<T>& kernels) {
  kernels.rows = kRows;
  kernels.cols = kCols<T>;
  kernels.width = Vec<T>::kWidth;
  kernels.panel = panel<T>;
  kernels.pack = pack<T>;
  kernels.turn = turn<T>;
  kernels.dot = dot<T>;
}

}  // namespace

void fill_gemm(KernelTable& table);

void fill_gemm(KernelTable& table) {
  fill(table.f32.gemm);
  fill(table.f64.gemm);
}

}  // namespace sf::SF_ISA_NAMESPACE
