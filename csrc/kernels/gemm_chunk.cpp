// Blocking and packing around the micro-kernels of isa/gemm_ukr.cpp, for one thread.
//
// K is cut into blocks (block_depth). Of a tall block, B is packed into the second-level cache and
// taken times one panel of rows of A after the other; of a low one, A stays there and one panel of
// columns of B after the other is packed and used up. Of a turned product, all K blocks of B are
// packed, and every panel of rows of A is taken times them all. What the next panel reads is
// fetched while the present one is multiplied.
#include "kernels/gemm_chunk.h"

#include <algorithm>

#include "base/rounding.h"
#include "kernels/dispatch.h"

namespace sf {
namespace {

// What packing or multiplying `rows` rows of `depth` numbers will read, for so many tiles to fetch.
template <class T>
GemmAhead<T> ahead_of(const T* from, int64_t from_row, int64_t from_k, int64_t rows, int64_t depth,
                      int64_t tiles) {
  constexpr int64_t kLine = 64 / sizeof(T);
  const bool along_k = from_k == 1;
  if (!along_k && from_row != 1) return {};
  const int64_t length = along_k ? depth : rows, runs = along_k ? rows : depth;
  const int64_t lines = ceil_div(length, kLine);
  // Short runs begin in lines that the panel before has read.
  const int64_t first = along_k ? 0 : (length - 1) % kLine;
  return {.at = from + first,
          .left = runs * lines,
          .per_tile = ceil_div(runs * lines, tiles),
          .lines = lines,
          .line_step = kLine,
          .run_step = (along_k ? from_row : from_k) - (lines - 1) * kLine};
}

// A part of C: rows [i, i + m), columns [j, j + n), products of K block [k, k + depth).
struct Block {
  int64_t i, m, j, n, k, depth;
};

// One thread's share of C, carried through all of K.
template <class T>
class Chunk {
 public:
  Chunk(const Product<T>& p, const GemmKernels<T>& kernels, const GemmPlan& plan, T* scratch)
      : p_(p), kernels_(kernels), plan_(plan), scratch_(scratch) {}

  void multiply(int64_t i, int64_t m, int64_t j, int64_t n) const {
    if (p_.turned) return multiply_turned({i, m, j, n, 0, p_.k});
    const int64_t depth = block_depth<T>(p_.k), cols = plan_.low ? n : kBlockCols;
    for (int64_t at_j = j; at_j < j + n; at_j += cols) {
      for (int64_t k = 0; k == 0 || k < p_.k; k += depth) {
        const Block block{i, m, at_j, std::min(cols, j + n - at_j), k, std::min(depth, p_.k - k)};
        plan_.low ? multiply_low(block) : multiply_tall(block);
      }
    }
  }

 private:
  const T* a_at(const Block& at) const { return p_.a + at.i * p_.a_row + at.k * p_.a_k; }
  const T* b_at(const Block& at) const { return p_.b + at.k * p_.b_k + at.j * p_.b_col; }

  void pack_a(const Block& at, T* to) const {
    kernels_.pack(to, round_up(at.m, kernels_.width), a_at(at), p_.a_row, p_.a_k, at.m, at.depth);
  }
  // Row by row, which costs less than transposing: a row is to `pack` what a step of K is.
  void copy_a(const Block& at, T* to, GemmPanel<T>& panel) const {
    kernels_.pack(to, kCopiedRow<T>, a_at(at), 1, p_.a_row, at.depth, at.m);
    panel.a_row = kCopiedRow<T>;
    panel.a_k = 1;
  }
  void pack_b(const Block& at, T* to) const {
    kernels_.pack(to, kernels_.cols, b_at(at), p_.b_col, p_.b_k, at.n, at.depth);
  }
  GemmAhead<T> ahead_a(const Block& at, int64_t tiles) const {
    if (!plan_.fetch) return {};
    return ahead_of(a_at(at), p_.a_row, p_.a_k, at.m, at.depth, tiles);
  }

  bool is_last(const Block& at) const { return at.k + at.depth >= p_.k; }

  // The K block of it that begins at k.
  Block slice_of(const Block& block, int64_t k) const {
    Block at = block;
    at.k = k;
    at.depth = std::min(block_depth<T>(p_.k), p_.k - k);
    return at;
  }
  static Block panel_of(const Block& block, const Panels& panels, int64_t index) {
    Block at = block;
    at.i += panels.start(index);
    at.m = panels.rows(index);
    return at;
  }

  void multiply_tall(const Block& block) const {
    T* const a = scratch_;
    T* const b = scratch_ + kMaxTileRows * kMaxDepth<T>;
    if (plan_.pack_b) pack_b(block, b);
    const Panels panels(block.m, kernels_.rows);
    const int64_t tiles = ceil_div(block.n, kernels_.cols);
    for (int64_t i = 0; i < panels.count; ++i) {
      const Block at = panel_of(block, panels, i);
      if (plan_.pack_a) pack_a(at, a);
      GemmAhead<T> next{};
      if (i + 1 < panels.count) next = ahead_a(panel_of(block, panels, i + 1), tiles);
      multiply_panel(at, a, b, next);
      if (is_last(at)) activate(at.i, at.m, at.j, at.n);
    }
  }

  void multiply_low(const Block& block) const {
    T* const b = scratch_;
    T* const a = scratch_ + kernels_.cols * kMaxDepth<T>;
    const Panels panels(block.m, kernels_.rows);
    const int64_t end = block.j + block.n;
    Block strip = block;
    for (; strip.j < end; strip.j += kernels_.cols) {
      strip.n = std::min<int64_t>(kernels_.cols, end - strip.j);
      pack_b(strip, b);
      const bool fill = plan_.pack_a && strip.j == block.j;
      GemmAhead<T> next = ahead_b(strip, end, panels.count);
      for (int64_t i = 0; i < panels.count; ++i) {
        const Block at = panel_of(strip, panels, i);
        T* const own_a = a + i * round_up(kernels_.rows, kernels_.width) * block.depth;
        if (fill) {
          pack_a(at, own_a);
          next = {};
          if (i + 1 < panels.count) next = ahead_a(panel_of(strip, panels, i + 1), 1);
        }
        multiply_panel(at, own_a, b, next);
      }
    }
    if (is_last(block)) activate(block.i, block.m, block.j, block.n);
  }

  // B, which has few columns, is packed for all of K; the sums of a panel of rows stay in the
  // first-level cache until they are complete, and become a few columns of C.
  void multiply_turned(const Block& block) const {
    const int64_t tiles = ceil_div(block.n, kernels_.cols), cols = tiles * kernels_.cols;
    const int64_t depth = block_depth<T>(p_.k), blocks = ceil_div(p_.k, depth);
    T* const b = scratch_;
    T* const sums = b + cols * p_.k;
    T* const a = sums + cols * kMaxTileRows;
    for (int64_t i = 0; i < blocks; ++i) pack_b(slice_of(block, i * depth), b + cols * i * depth);
    const Panels panels(block.m, kernels_.rows);
    const auto piece = [&](int64_t step) {
      return slice_of(panel_of(block, panels, step / blocks), step % blocks * depth);
    };
    const int64_t steps = panels.count * blocks;
    for (int64_t step = 0; step < steps; ++step) {
      const Block at = piece(step);
      GemmAhead<T> next{};
      if (step + 1 < steps) next = ahead_a(piece(step + 1), tiles);
      GemmPanel<T> panel = operands(at, a, b + cols * at.k, next);
      if (plan_.pack_a) copy_a(at, a, panel);
      panel.c = sums;
      panel.c_row = cols;
      panel.add = at.k > 0;
      kernels_.panel(panel);
      if (is_last(at)) turn(at, sums, cols);
    }
    activate(block.j, block.n, block.i, block.m);
  }

  // Finished rows of the turned product.
  void turn(const Block& at, const T* sums, int64_t cols) const {
    kernels_.turn({.rows = at.m,
                   .cols = at.n,
                   .from = sums,
                   .from_row = cols,
                   .to = p_.c + at.j * p_.c_row + at.i,
                   .to_row = p_.c_row,
                   .add = p_.add,
                   .bias = p_.bias ? p_.bias + at.i : nullptr});
  }

  // Rows as long as can be: a call costs as much as some vectors.
  void activate(int64_t row, int64_t rows, int64_t col, int64_t cols) const {
    if (!p_.activation) return;
    for (int64_t place = row * p_.c_row + col; rows > 0; --rows, place += p_.c_row) {
      p_.activation(p_.c + place, p_.activated + place, cols, p_.params);
    }
  }

  // The panel of columns after this one.
  GemmAhead<T> ahead_b(Block strip, int64_t end, int64_t tiles) const {
    strip.j += strip.n;
    if (!plan_.fetch || strip.j >= end) return {};
    const int64_t n = std::min<int64_t>(kernels_.cols, end - strip.j);
    return ahead_of(b_at(strip), p_.b_col, p_.b_k, n, strip.depth, tiles);
  }

  // Up to kernels.rows rows of a block; a and b are what has been packed of it.
  GemmPanel<T> operands(const Block& at, const T* a, const T* b, GemmAhead<T>& ahead) const {
    return {.m = at.m,
            .n = at.n,
            .k = at.depth,
            .a = plan_.pack_a ? a : a_at(at),
            .a_row = plan_.pack_a ? 1 : p_.a_row,
            .a_k = plan_.pack_a ? round_up(at.m, kernels_.width) : p_.a_k,
            .b = plan_.pack_b ? b : b_at(at),
            .b_k = plan_.pack_b ? kernels_.cols : p_.b_k,
            .b_panel = plan_.pack_b ? kernels_.cols * at.depth : kernels_.cols,
            .c = nullptr,
            .c_row = 0,
            .add = false,
            .bias = nullptr,
            .ahead = ahead.left > 0 ? &ahead : nullptr};
  }
  void multiply_panel(const Block& at, const T* a, const T* b, GemmAhead<T>& ahead) const {
    GemmPanel<T> panel = operands(at, a, b, ahead);
    panel.c = p_.c + at.i * p_.c_row + at.j;
    panel.c_row = p_.c_row;
    panel.add = p_.add || at.k > 0;
    panel.bias = is_last(at) && p_.bias ? p_.bias + at.j : nullptr;
    panel.fetch_c = plan_.fetch_c;
    kernels_.panel(panel);
  }

  const Product<T>& p_;
  const GemmKernels<T>& kernels_;
  const GemmPlan& plan_;
  T* const scratch_;
};

}  // namespace

template <class T>
void multiply_chunk(const Product<T>& p, const GemmPlan& plan, int64_t i, int64_t m, int64_t j,
                    int64_t n, T* scratch) {
  Chunk<T>(p, kernels<T>().gemm, plan, scratch).multiply(i, m, j, n);
}

template void multiply_chunk<float>(const Product<float>&, const GemmPlan&, int64_t, int64_t,
                                    int64_t, int64_t, float*);
template void multiply_chunk<double>(const Product<double>&, const GemmPlan&, int64_t, int64_t,
                                     int64_t, int64_t, double*);

}  // namespace sf
