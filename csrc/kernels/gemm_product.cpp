// Blocking, packing and threads around the micro-kernels of isa/gemm_ukr.cpp.
//
// C is cut into chunks; each thread carries its chunk through all of K. Inside a chunk, K is cut
// into blocks (block_depth). Of a tall block, B is packed into the second-level cache and taken
// times one panel of rows of A after the other; of a low one, A stays there and one panel of
// columns of B after the other is packed and used up. What the next panel reads is fetched while
// the present one is multiplied. Chunks, packing and tiles do not touch the bits: every element of
// C is the sum, in block order, of one chain of multiply-adds per K block.
#include "kernels/gemm_product.h"

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/error.h"
#include "base/parallel.h"
#include "base/scratch.h"
#include "kernels/dispatch.h"

namespace sf {
namespace {

constexpr int64_t kMaxTileRows = 16;  // rows of a tile, padded to whole vectors
// Columns of a tall block: its part of B takes at most 768 KiB of the second-level cache.
constexpr int64_t kBlockCols = 512;
// Rows of a low block: its part of A takes at most 528 KiB.
constexpr int64_t kLowRows = 256;

// A result of up to this size is expected to be in the second-level cache, or to get there soon.
constexpr int64_t kNearBytes = 192 << 10;
// Operands of up to this size together, too: what is fetched from near only costs time.
constexpr int64_t kNearOperands = 256 << 10;

// Numbers in a thread's room for packed operands: one panel of A and a block of B, or a block of A
// and one panel of B.
template <class T>
constexpr int64_t kRoom = (kMaxTileRows + kBlockCols) * kMaxDepth<T>;

// How a product is cut up; a function of shapes and strides.
struct Plan {
  int64_t down = 1, across = 1;  // chunks of C
  int64_t group = 1;             // products per chunk, more than 1 only if a chunk is a whole one
  bool pack_a = false, pack_b = false;
  bool low = false;    // a panel of columns is taken times all rows before the next one
  bool fetch = false;  // whether operands are far enough away to be fetched ahead
  bool fetch_c = false;
  bool scratch() const { return pack_a || pack_b; }
};

// Part `part` of `parts` of n items: as equal as can be.
int64_t part_begin(int64_t n, int64_t part, int64_t parts) { return n * part / parts; }

// Rows a multiple of 1 KiB apart share so few places in the first-level cache that a tile's push
// each other out.
template <class T>
bool collide(int64_t stride) {
  return stride * static_cast<int64_t>(sizeof(T)) % 1024 == 0;
}

// Whether vectors of a row of B lie across two cache lines.
template <class T>
bool straddles(const Product<T>& p) {
  constexpr uintptr_t kLine = 64;
  return (reinterpret_cast<uintptr_t>(p.b) | static_cast<uintptr_t>(p.b_k) * sizeof(T)) % kLine;
}

// Whether a chunk of so many rows and columns packs its operands: once the packed numbers are used
// often enough, and from the start where the micro-kernel cannot read the operand as it lies.
template <class T>
bool packs_a(const Product<T>& p, int64_t cols) {
  const int64_t many = collide<T>(p.a_k == 1 ? p.a_row : p.a_k) ? 128 : 256;
  return (p.a_row != 1 && p.a_k != 1) || (p.m > 1 && cols >= many);
}
template <class T>
bool packs_b(const Product<T>& p, const GemmKernels<T>& kernels, int64_t rows) {
  const int64_t many = straddles(p) ? 100 : 200;
  return p.b_col != 1 || (rows >= many && p.n > kernels.cols);
}

// What cutting C into down x across costs the thread with most to do, in multiply-adds per step of
// K: those of whole tiles, and as many as take as long as packing or reading a number of A or B.
template <class T>
int64_t cost_of(const Product<T>& p, const GemmKernels<T>& kernels, int64_t down, int64_t across) {
  constexpr int64_t kPack = 18, kReadA = 10, kReadB = 4;
  const int64_t rows = ceil_div(p.m, down);
  const int64_t cols = ceil_div(ceil_div(p.n, kernels.cols), across) * kernels.cols;
  const int64_t turns = ceil_div(p.batch * down * across, num_threads());
  return turns * (rows * cols + rows * (packs_a(p, cols) ? kPack : kReadA) +
                  cols * (packs_b(p, kernels, rows) ? kPack : kReadB));
}

// As many chunks as threads, or twice as many where that costs hardly more: then a thread that is
// held up by others on the machine does fewer. What a chunk packs it packs for itself.
template <class T>
void cut(const Product<T>& p, const GemmKernels<T>& kernels, Plan& plan) {
  constexpr int64_t kChunkMacs = kThreadedMacs / 2;
  if (p.macs() < (p.m == 1 ? kThreadedDotMacs : kThreadedMacs)) {
    if (p.batch > 1) plan.group = kThreadedMacs / std::max<int64_t>(p.macs(), 1000);
    return;
  }
  const int64_t threads = num_threads();
  if (threads == 1) return;
  const int64_t most = std::max<int64_t>(p.macs() / kChunkMacs, 2);
  const int64_t strips = ceil_div(p.n, kernels.cols), panels = ceil_div(p.m, kernels.rows);
  int64_t least = cost_of(p, kernels, 1, 1);
  for (const int64_t total : {threads, 2 * threads}) {
    const int64_t chunks = std::min(ceil_div(total, p.batch), most);
    if (total > threads) least += least / 100;
    for (int64_t down = 1; down <= std::min(chunks, panels); ++down) {
      const int64_t across = std::min(chunks / down, strips);
      down = std::min(chunks / across, panels);
      const int64_t cost = cost_of(p, kernels, down, across);
      if (cost >= least) continue;
      least = cost;
      plan.down = down;
      plan.across = across;
    }
  }
}

template <class T>
Plan make_plan(const Product<T>& p, const GemmKernels<T>& kernels) {
  Plan plan;
  cut(p, kernels, plan);
  const int64_t rows = ceil_div(p.m, plan.down), cols = ceil_div(p.n, plan.across);
  plan.pack_a = packs_a(p, cols);
  plan.pack_b = packs_b(p, kernels, rows);
  plan.fetch = (p.m + p.n) * p.k * static_cast<int64_t>(sizeof(T)) > kNearOperands;
  // What is near need not be waited for: then a panel of A stays in the first-level cache.
  plan.low = plan.pack_b && plan.fetch && rows <= kLowRows;
  plan.fetch_c = p.m * p.n * static_cast<int64_t>(sizeof(T)) > kNearBytes;
  return plan;
}

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
  Chunk(const Product<T>& p, const GemmKernels<T>& kernels, const Plan& plan, T* scratch)
      : p_(p), kernels_(kernels), plan_(plan), scratch_(scratch) {}

  void multiply(int64_t i, int64_t m, int64_t j, int64_t n) const {
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
  void pack_b(const Block& at, T* to) const {
    kernels_.pack(to, kernels_.cols, b_at(at), p_.b_col, p_.b_k, at.n, at.depth);
  }
  GemmAhead<T> ahead_a(const Block& at, int64_t tiles) const {
    if (!plan_.fetch) return {};
    return ahead_of(a_at(at), p_.a_row, p_.a_k, at.m, at.depth, tiles);
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
      activate(at);
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
    activate(block);
  }

  // Rows as long as can be: a call costs as much as some vectors.
  void activate(const Block& at) const {
    if (!p_.activation || at.k + at.depth < p_.k) return;
    for (int64_t i = at.i; i < at.i + at.m; ++i) {
      const int64_t place = i * p_.c_row + at.j;
      p_.activation(p_.c + place, p_.activated + place, at.n, p_.params);
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
  void multiply_panel(const Block& at, const T* a, const T* b, GemmAhead<T>& ahead) const {
    const bool last = at.k + at.depth >= p_.k;
    T* const c = p_.c + at.i * p_.c_row + at.j;
    kernels_.panel({.m = at.m,
                    .n = at.n,
                    .k = at.depth,
                    .a = plan_.pack_a ? a : a_at(at),
                    .a_row = plan_.pack_a ? 1 : p_.a_row,
                    .a_k = plan_.pack_a ? round_up(at.m, kernels_.width) : p_.a_k,
                    .b = plan_.pack_b ? b : b_at(at),
                    .b_k = plan_.pack_b ? kernels_.cols : p_.b_k,
                    .b_panel = plan_.pack_b ? kernels_.cols * at.depth : kernels_.cols,
                    .c = c,
                    .c_row = p_.c_row,
                    .add = p_.add || at.k > 0,
                    .bias = last && p_.bias ? p_.bias + at.j : nullptr,
                    .fetch_c = plan_.fetch_c,
                    .ahead = ahead.left > 0 ? &ahead : nullptr});
  }

  const Product<T>& p_;
  const GemmKernels<T>& kernels_;
  const Plan& plan_;
  T* const scratch_;
};

template <class T>
void multiply_blocked(const Product<T>& p) {
  const GemmKernels<T>& kernels = sf::kernels<T>().gemm;
  const Plan plan = make_plan(p, kernels);
  std::atomic<bool> out_of_memory{false};
  const int64_t strips = ceil_div(p.n, kernels.cols);
  const auto multiply_chunk = [&](const Product<T>& one, int64_t row, int64_t col) {
    T* const room = plan.scratch() ? thread_scratch<T>(kRoom<T>) : nullptr;
    if (plan.scratch() && !room) {
      out_of_memory = true;
      return;
    }
    const int64_t i = part_begin(p.m, row, plan.down);
    const int64_t j = part_begin(strips, col, plan.across) * kernels.cols;
    const int64_t end = part_begin(strips, col + 1, plan.across) * kernels.cols;
    Chunk<T>(one, kernels, plan, room)
        .multiply(i, part_begin(p.m, row + 1, plan.down) - i, j, std::min(end, p.n) - j);
  };
  const int64_t chunks = plan.down * plan.across;
  if (p.batch == 1 && chunks == 1) {
    multiply_chunk(p, 0, 0);
  } else {
    const Chunks groups{p.batch * chunks, plan.group};
    parallel_for(groups.count(), [&](int64_t group) {
      for (int64_t chunk = groups.begin(group); chunk < groups.end(group); ++chunk) {
        const int64_t place = chunk % chunks;
        multiply_chunk(p.at(chunk / chunks), place / plan.across, place % plan.across);
      }
    });
  }
  if (out_of_memory) throw MemoryError("[gemm] no memory for packing the operands");
}

constexpr int64_t kMinDot = 16;  // below this K, folding the sums costs more than it saves

// A row times a matrix whose columns are contiguous: dot products, nothing to pack.
template <class T>
bool is_dot(const Product<T>& p) {
  return p.m == 1 && p.a_k == 1 && p.b_k == 1 && (p.b_col != 1 || p.n == 1) && p.k >= kMinDot;
}

template <class T>
void multiply_dot(const Product<T>& p) {
  constexpr int64_t kSpan = 64;  // results at a time
  const GemmKernels<T>& kernels = sf::kernels<T>().gemm;
  const int64_t spans = ceil_div(p.n, kSpan);
  const Chunks chunks{p.batch * spans, std::max<int64_t>(1, kThreadedDotMacs / (kSpan * p.k))};
  parallel_for(chunks.count(), [&](int64_t chunk) {
    T y[kSpan];
    for (int64_t span = chunks.begin(chunk); span < chunks.end(chunk); ++span) {
      const Product<T> q = p.at(span / spans);
      const int64_t j = span % spans * kSpan, n = std::min(kSpan, p.n - j);
      kernels.dot(y, q.a, q.b + j * q.b_col, q.b_col, n, q.k);
      T* c = q.c + j;
      if (q.add) std::transform(y, y + n, c, y, [](T sum, T old) { return old + sum; });
      if (q.bias) {
        for (int64_t i = 0; i < n; ++i) y[i] += q.bias[(j + i) * q.bias_step];
      }
      std::copy_n(y, n, c);
      if (q.activation) q.activation(c, q.activated + j, n, q.params);
    }
  });
}

// Strides along a dimension of size 1 are never used: give them the value that suits the kernels.
// A column of results that lies contiguous is a row of the transposed product.
template <class T>
void normalise(Product<T>& p) {
  if (p.k == 0) {  // nothing is read, and a and b may be null
    p.a = p.b = p.c;
    p.a_row = p.b_k = p.a_batch = p.b_batch = 0;
    p.a_k = p.b_col = 1;
  }
  const bool dot = p.a_k == 1 && p.b_k == 1 && p.a_row != 1 && p.k >= kMinDot;  // once transposed
  if (p.n == 1 && p.m > 1 && p.c_row == 1 && (dot || !p.bias)) {
    p.bias_step = 0;
    std::swap(p.a, p.b);
    std::swap(p.a_batch, p.b_batch);
    const int64_t a_row = p.a_row, a_k = p.a_k;
    p.a_k = p.b_k;
    p.b_k = a_k;
    p.b_col = a_row;
    p.n = p.m;
    p.m = 1;
  }
  if (p.k <= 1) p.a_k = 1;
  if (p.m == 1 && p.a_k != 1) p.a_row = 1;
  if (p.n == 1) p.b_col = 1;
}

}  // namespace

template <class T>
void multiply(Product<T> p) {
  normalise(p);
  is_dot(p) ? multiply_dot(p) : multiply_blocked(p);
}

template void multiply<float>(Product<float>);
template void multiply<double>(Product<double>);

}  // namespace sf
