// How a product is cut up, and one thread's share of it; between gemm_product.cpp, which plans, and
// gemm_chunk.cpp, which packs and multiplies.
#pragma once
#include <cstdint>

#include "kernels/gemm_product.h"
#include "kernels/gemm_table.h"

namespace sf {

constexpr int64_t kMaxTileRows = 16;  // rows of a tile, padded to whole vectors
// Columns of a tall block: its part of B takes at most 768 KiB of the second-level cache.
constexpr int64_t kBlockCols = 512;

// Numbers in a thread's room for packed operands, in the second-level cache: one panel of A and a
// block of B, or a block of A and one panel of B, or what turned_room says.
template <class T>
constexpr int64_t kGemmRoom = (896 << 10) / static_cast<int64_t>(sizeof(T));
static_assert((kMaxTileRows + kBlockCols) * kMaxDepth<float> <= kGemmRoom<float>);

// Rows of A that are copied lie so far apart: not a multiple of 1 KiB, in whole lines.
template <class T>
constexpr int64_t kCopiedRow = kMaxDepth<T> + 64 / static_cast<int64_t>(sizeof(T));

// Numbers that a turned chunk of so many columns needs: all of B, one panel of A, one of sums.
template <class T>
int64_t turned_room(int64_t cols, int64_t k) {
  return cols * (k + kMaxTileRows) + kMaxTileRows * kCopiedRow<T>;
}

// A function of shapes and strides.
struct GemmPlan {
  int64_t threads = 1;           // that will share the chunks
  int64_t down = 1, across = 1;  // chunks of C
  int64_t group = 1;             // products per chunk, more than 1 only if a chunk is a whole one
  bool pack_a = false, pack_b = false;
  bool low = false;    // a panel of columns is taken times all rows before the next one
  bool fetch = false;  // whether operands are far enough away to be fetched ahead
  bool fetch_c = false;
  bool scratch() const { return pack_a || pack_b; }
};

// Rows [i, i + m), columns [j, j + n) of C, carried through all of K by one thread. `scratch` has
// kGemmRoom numbers, if the plan has use for them.
template <class T>
void multiply_chunk(const Product<T>& p, const GemmPlan& plan, int64_t i, int64_t m, int64_t j,
                    int64_t n, T* scratch);

}  // namespace sf
