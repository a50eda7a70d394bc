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

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// Longest K block: a panel of A (14 rows at most, padded to 16) takes 24 KiB of the first-level
// cache.
template <class T>
constexpr int64_t kMaxDepth = 1536 / static_cast<int64_t>(sizeof(T));
// Columns of a block: its part of B takes at most 768 KiB of the second-level cache.
constexpr int64_t kBlockCols = 512;
constexpr int64_t kMaxTileRows = 16;  // rows of a tile, padded to whole vectors

// All K blocks but the last have this depth: equal parts, a function of K alone.
template <class T>
int64_t block_depth(int64_t k) {
  return std::max<int64_t>(
      1, round_up(ceil_div(k, ceil_div(std::max<int64_t>(k, 1), kMaxDepth<T>)), 4));
}

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
  constexpr int64_t kMaxRows = 512, kMaxCols = 512, kChunkMacs = 500'000;
  plan.rows = p.m;
  plan.cols = p.n;
  plan.group = 1;
  if (p.macs() < kThreadedMacs) {
    plan.group = std::max<int64_t>(1, kThreadedMacs / std::max<int64_t>(p.macs(), 1000));
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
  plan.pack_b = p.b_col != 1 || (plan.rows >= 64 && p.n > kernels.cols);
  plan.pack_a = (p.a_row != 1 && p.a_k != 1) || (p.m > 1 && plan.cols >= 256);
  return plan;
}

// A part of C: rows [i, i + m), columns [j, j + n), products of K block [k, k + depth).
struct Block {
  int64_t i, m, j, n, k, depth;
};

// Up to kernels.rows rows of the block.
template <class T>
void multiply_rows(const Product<T>& p, const GemmKernels<T>& kernels, const Plan& plan,
                   const Block& at, const Scratch<T>& scratch) {
  GemmPanel<T> panel;
  panel.m = at.m;
  panel.n = at.n;
  panel.k = at.depth;
  panel.a = p.a + at.i * p.a_row + at.k * p.a_k;
  panel.a_row = p.a_row;
  panel.a_k = p.a_k;
  if (plan.pack_a) {
    panel.a_row = 1;
    panel.a_k = round_up(at.m, kernels.width);
    kernels.pack(scratch.a, panel.a_k, panel.a, p.a_row, p.a_k, at.m, at.depth);
    panel.a = scratch.a;
  }
  panel.b = plan.pack_b ? scratch.b : p.b + at.k * p.b_k + at.j;
  panel.b_k = plan.pack_b ? kernels.cols : p.b_k;
  panel.b_panel = plan.pack_b ? kernels.cols * at.depth : kernels.cols;
  panel.c = p.c + at.i * p.c_row + at.j;
  panel.c_row = p.c_row;
  const bool last = at.k + at.depth >= p.k;
  panel.add = p.add || at.k > 0;
  panel.bias = last && p.bias ? p.bias + at.j : nullptr;
  kernels.panel(panel);
  if (last && p.activation) {
    for (int64_t i = 0; i < at.m; ++i) p.activation(panel.c + i * p.c_row, at.n);
  }
}

// The chunk's columns are taken block by block, each through all of K.
template <class T>
void multiply_chunk(const Product<T>& p, const GemmKernels<T>& kernels, const Plan& plan,
                    const Block& chunk, const Scratch<T>& scratch) {
  const int64_t depth = block_depth<T>(p.k);
  const int64_t panels = ceil_div(chunk.m, kernels.rows);
  const int64_t rows = chunk.m / panels, longer = chunk.m % panels;  // rows, or one more
  for (int64_t j = chunk.j; j < chunk.j + chunk.n; j += kBlockCols) {
    const int64_t n = std::min(kBlockCols, chunk.j + chunk.n - j);
    for (int64_t k = 0; k == 0 || k < p.k; k += depth) {
      Block at{chunk.i, 0, j, n, k, std::min(depth, p.k - k)};
      if (plan.pack_b) {
        kernels.pack(scratch.b, kernels.cols, p.b + k * p.b_k + j * p.b_col, p.b_col, p.b_k, n,
                     at.depth);
      }
      for (int64_t panel = 0; panel < panels; ++panel, at.i += at.m) {
        at.m = rows + (panel < longer);
        multiply_rows(p, kernels, plan, at, scratch);
      }
    }
  }
}

template <class T>
void multiply_blocked(const Product<T>& p) {
  const GemmKernels<T>& kernels = sf::kernels<T>().gemm;
  const Plan plan = make_plan(p, kernels);
  const int64_t across = ceil_div(p.n, plan.cols), per_product = across * ceil_div(p.m, plan.rows);
  const Chunks groups{p.batch * per_product, plan.group};
  std::atomic<bool> out_of_memory{false};
  parallel_for(groups.count(), [&](int64_t group) {
    Scratch<T> room{};
    if (plan.scratch() && !(room = scratch<T>()).a) {
      out_of_memory = true;
      return;
    }
    for (int64_t chunk = groups.begin(group); chunk < groups.end(group); ++chunk) {
      const int64_t place = chunk % per_product;
      const int64_t i = place / across * plan.rows, j = place % across * plan.cols;
      multiply_chunk(p.at(chunk / per_product), kernels, plan,
                     {i, std::min(plan.rows, p.m - i), j, std::min(plan.cols, p.n - j), 0, 0},
                     room);
    }
  });
  if (out_of_memory) throw MemoryError("[gemm] no memory for packing the operands");
}

// A row times a matrix whose columns are contiguous: dot products, nothing to pack.
template <class T>
bool is_dot(const Product<T>& p) {
  return p.m == 1 && p.a_k == 1 && p.b_k == 1 && (p.b_col != 1 || p.n == 1) && p.k >= 16;
}

template <class T>
void multiply_dot(const Product<T>& p) {
  constexpr int64_t kSpan = 64;  // results at a time
  const GemmKernels<T>& kernels = sf::kernels<T>().gemm;
  const int64_t spans = ceil_div(p.n, kSpan);
  const Chunks chunks{p.batch * spans, std::max<int64_t>(1, kThreadedMacs / (kSpan * p.k))};
  parallel_for(chunks.count(), [&](int64_t chunk) {
    T y[kSpan];
    for (int64_t span = chunks.begin(chunk); span < chunks.end(chunk); ++span) {
      const Product<T> q = p.at(span / spans);
      const int64_t j = span % spans * kSpan, n = std::min(kSpan, p.n - j);
      kernels.dot(y, q.a, q.b + j * q.b_col, q.b_col, n, q.k);
      T* c = q.c + j;
      if (q.add) std::transform(y, y + n, c, y, [](T sum, T old) { return old + sum; });
      if (q.bias) std::transform(y, y + n, q.bias + j, y, [](T sum, T bias) { return sum + bias; });
      std::copy_n(y, n, c);
      if (q.activation) q.activation(c, n);
    }
  });
}

// Strides along a dimension of size 1 are never used: give them the value that suits the kernels.
// A column of results that lies contiguous is a row of the transposed product.
template <class T>
void normalise(Product<T>& p) {
  if (p.n == 1 && p.m > 1 && p.c_row == 1 && !p.bias) {
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
