// The micro-kernel of the convolutions, and the copies that feed it.
#include "kernels/isa/vec.h"
#include "kernels/table.h"

#if defined(__clang__)
#define SF_UNROLL _Pragma("unroll")
#else
#define SF_UNROLL _Pragma("GCC unroll 16")
#endif

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
  for (int64_t k = p.k; k > 0; --k, a += a_k) {
    const T* from = b + *at++;
    V row[NV];
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
  for (int64_t k = 0; k < depth; ++k, to += to_k) {
    const T* row = from + at[k];
    for (int64_t s = 0; s < count; ++s) {
      const T* source = row + spans[s].from;
      T* target = to + spans[s].to;
      const int32_t n = spans[s].n;
      for (int32_t i = 0; i < n; i += V::kWidth) V::load(source + i).store(target + i);
    }
  }
}

template <class T>
SF_INLINE void fill_zeros(T* to, int64_t n) {
  for (int64_t i = 0; i < n; i += Vec<T>::kWidth) Vec<T>(T(0)).store(to + i);
}

template <class T>
void pad_rows(T* to, int64_t pitch, const T* from, int64_t from_row, int64_t rows, int64_t left,
              int64_t width) {
  using V = Vec<T>;
  for (int64_t r = 0; r < rows; ++r, to += pitch, from += from_row) {
    fill_zeros(to, left);
    T* at = to + left;
    int64_t i = 0;
    for (; i + V::kWidth <= width; i += V::kWidth) V::load(from + i).store(at + i);
    if (i < width) {
      V::load_partial(from + i, width - i).store(at + i);
      i += V::kWidth;
    }
    fill_zeros(at + i, pitch - left - i);
  }
}

template <class T>
void fill(ConvKernels<T>& kernels) {
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
