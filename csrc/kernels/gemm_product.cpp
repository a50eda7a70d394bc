// Blocking, packing and threads around the micro-kernels of isa/gemm_ukr.cpp.
//
// C is cut into chunks; each thread carries its chunk through all of K. Inside a chunk, K is cut
// into blocks (block_depth), columns into blocks whose part of B stays in the second-level cache,
// rows into panels whose part of A stays in the first. Chunks, packing and tiles do not touch the
// bits: every element of C is the sum, in block order, of one chain of multiply-adds per K block.
#include "kernels/gemm_product.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/parallel.h"
#include "kernels/dispatch.h"

namespace sf {
namespace {

// Columns of a block: its part of B takes at most 768 KiB of the second-level cache.
constexpr int64_t kBlockCols = 512;
constexpr int64_t kMaxTileRows = 16;  // rows of a tile, padded to whole vectors

// Room for packed operands, kept by each thread.
template <class T>
struct Scratch {
  T* a;
  T* b;
};

template <class T>
Scratch<T> scratch() {
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  constexpr size_t kA = kMaxTileRows * kMaxDepth<T> * sizeof(T);
  constexpr size_t kB = kBlockCols * kMaxDepth<T> * sizeof(T);  // the same for both types
  thread_local std::unique_ptr<std::byte, Free> memory;
  if (!memory) memory.reset(static_cast<std::byte*>(std::aligned_alloc(64, kA + kB)));
  std::byte* p = memory.get();
  if (!p) return {nullptr, nullptr};
  return {reinterpret_cast<T*>(p), reinterpret_cast<T*>(p + kA)};
}

// How a product is cut up; a function of shapes and strides.
struct Plan {
  int64_t rows, cols;  // of a chunk
  int64_t group;       // products per chunk, more than 1 only if a chunk is a whole product
  bool pack_a, pack_b;
  bool scratch() const { return pack_a || pack_b; }
};

// Halves chunks, the longer side first, until there are enough of them to share out. No more than
// that: what a chunk packs it packs for itself, and the smaller it is, the more is packed twice.
template <class T>
void cut(const Product<T>& p, const GemmKernels<T>& kernels, Plan& plan) {
  constexpr int64_t kMaxRows = 512, kMaxCols = 512, kChunkMacs = kThreadedMacs / 2;
  plan.rows = p.m;
  plan.cols = p.n;
  plan.group = 1;
  if (p.macs() < (p.m == 1 ? kThreadedDotMacs : kThreadedMacs)) {
    if (p.batch > 1) plan.group = kThreadedMacs / std::max<int64_t>(p.macs(), 1000);
    return;
  }
  plan.rows = ceil_div(p.m, ceil_div(p.m, kMaxRows));
  plan.cols = round_up(ceil_div(p.n, ceil_div(p.n, kMaxCols)), kernels.cols);
  const int64_t threads = num_threads();
  const int64_t enough =
      threads == 1 ? 1 : std::clamp<int64_t>(p.macs() * p.batch / kChunkMacs, 2, 2 * threads);
  while (p.batch * ceil_div(p.m, plan.rows) * ceil_div(p.n, plan.cols) < enough) {
    if (plan.cols >= plan.rows && plan.cols > kernels.cols) {
      plan.cols = round_up(plan.cols / 2, kernels.cols);
    } else if (plan.rows > kernels.rows) {
      plan.rows = round_up(plan.rows / 2, kernels.rows);
    } else {
      break;
    }
  }
}

template <class T>
Plan make_plan(const Product<T>& p, const GemmKernels<T>& kernels) {
  Plan plan{};
  cut(p, kernels, plan);
  // Packing pays once the packed numbers are used often enough, and from the start where the
  // micro-kernel cannot read the operand as it lies.
  plan.pack_b = p.b_col != 1 || (plan.rows >= 200 && p.n > kernels.cols);
  plan.pack_a = (p.a_row != 1 && p.a_k != 1) || (p.m > 1 && plan.cols >= 256);
  return plan;
}

// A part of C: rows [i, i + m), columns [j, j + n), products of K block [k, k + depth).
struct Block {
  int64_t i, m, j, n, k, depth;
};

// One thread's share of C, carried through all of K.
template <class T>
class Chunk {
 public:
  Chunk(const Product<T>& p, const GemmKernels<T>& kernels, const Plan& plan,
        const Scratch<T>& scratch)
      : p_(p), kernels_(kernels), plan_(plan), scratch_(scratch) {}

  void multiply(int64_t i, int64_t m, int64_t j, int64_t n) const {
    const int64_t depth = block_depth<T>(p_.k);
    for (int64_t at_j = j; at_j < j + n; at_j += kBlockCols) {
      for (int64_t k = 0; k == 0 || k < p_.k; k += depth) {
        multiply_block(
            {i, m, at_j, std::min(kBlockCols, j + n - at_j), k, std::min(depth, p_.k - k)});
      }
    }
  }

 private:
  void multiply_block(const Block& block) const {
    if (plan_.pack_b) {
      kernels_.pack(scratch_.b, kernels_.cols, p_.b + block.k * p_.b_k + block.j * p_.b_col,
                    p_.b_col, p_.b_k, block.n, block.depth);
    }
    // The rows are shared out evenly over as few panels as possible.
    const int64_t panels = block.m <= kernels_.rows ? 1 : ceil_div(block.m, kernels_.rows);
    const int64_t rows = panels == 1 ? block.m : block.m / panels;
    int64_t longer = block.m - rows * panels;
    Block at = block;
    for (int64_t left = panels; left > 0; --left, --longer, at.i += at.m) {
      at.m = rows + (longer > 0);
      multiply_panel(at);
    }
  }

  // Up to kernels.rows rows of the block.
  void multiply_panel(const Block& at) const {
    GemmPanel<T> tiles{.m = at.m,
                       .n = at.n,
                       .k = at.depth,
                       .a = p_.a + at.i * p_.a_row + at.k * p_.a_k,
                       .a_row = p_.a_row,
                       .a_k = p_.a_k,
                       .b = p_.b + at.k * p_.b_k + at.j,
                       .b_k = p_.b_k,
                       .b_panel = kernels_.cols,
                       .c = p_.c + at.i * p_.c_row + at.j,
                       .c_row = p_.c_row,
                       .add = p_.add || at.k > 0,
                       .bias = nullptr};
    if (plan_.pack_a) {
      tiles.a_row = 1;
      tiles.a_k = round_up(at.m, kernels_.width);
      kernels_.pack(scratch_.a, tiles.a_k, tiles.a, p_.a_row, p_.a_k, at.m, at.depth);
      tiles.a = scratch_.a;
    }
    if (plan_.pack_b) {
      tiles.b = scratch_.b;
      tiles.b_k = kernels_.cols;
      tiles.b_panel = kernels_.cols * at.depth;
    }
    const bool last = at.k + at.depth >= p_.k;
    if (last && p_.bias) tiles.bias = p_.bias + at.j;
    kernels_.panel(tiles);
    for (int64_t i = 0; last && p_.activation && i < at.m; ++i) {
      p_.activation(tiles.c + i * p_.c_row, at.n);
    }
  }

  const Product<T>& p_;
  const GemmKernels<T>& kernels_;
  const Plan& plan_;
  const Scratch<T> scratch_;
};

template <class T>
void multiply_blocked(const Product<T>& p) {
  const GemmKernels<T>& kernels = sf::kernels<T>().gemm;
  const Plan plan = make_plan(p, kernels);
  std::atomic<bool> out_of_memory{false};
  const auto multiply_chunk = [&](const Product<T>& one, int64_t i, int64_t j) {
    const Scratch<T> room = plan.scratch() ? scratch<T>() : Scratch<T>{};
    if (plan.scratch() && !room.a) {
      out_of_memory = true;
      return;
    }
    Chunk<T>(one, kernels, plan, room)
        .multiply(i, std::min(plan.rows, p.m - i), j, std::min(plan.cols, p.n - j));
  };
  if (p.batch == 1 && plan.rows >= p.m && plan.cols >= p.n) {
    multiply_chunk(p, 0, 0);
  } else {
    const int64_t across = ceil_div(p.n, plan.cols), chunks = across * ceil_div(p.m, plan.rows);
    const Chunks groups{p.batch * chunks, plan.group};
    parallel_for(groups.count(), [&](int64_t group) {
      for (int64_t chunk = groups.begin(group); chunk < groups.end(group); ++chunk) {
        const int64_t place = chunk % chunks;
        multiply_chunk(p.at(chunk / chunks), place / across * plan.rows,
                       place % across * plan.cols);
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
      if (q.activation) q.activation(c, n);
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
