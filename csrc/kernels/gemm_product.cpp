// Which way a product is taken, how it is packed and shared out among threads.
//
// C is cut into chunks; each thread carries its chunk through all of K (gemm_chunk.cpp). Chunks,
// packing, tiles and turning over do not touch the bits: every element of C is the sum, in block
// order, of one chain of multiply-adds per K block.
#include "kernels/gemm_product.h"

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/error.h"
#include "base/parallel.h"
#include "base/scratch.h"
#include "kernels/dispatch.h"
#include "kernels/gemm_chunk.h"

namespace sf {
namespace {

// Rows of a low block: its part of A takes at most 528 KiB.
constexpr int64_t kLowRows = 256;

// A result of up to this size is expected to be in the second-level cache, or to get there soon.
constexpr int64_t kNearBytes = 192 << 10;
// Operands of up to this size together, too: what is fetched from near only costs time.
constexpr int64_t kNearOperands = 256 << 10;

// Part `part` of `parts` of n items: as equal as can be.
int64_t part_begin(int64_t n, int64_t part, int64_t parts) { return n * part / parts; }

// Rows a multiple of 1 KiB apart share so few places in the first-level cache that a tile's push
// each other out; at 4 KiB all of them share one.
template <class T>
bool collide(int64_t stride, int64_t bytes = 1024) {
  return stride * static_cast<int64_t>(sizeof(T)) % bytes == 0;
}

// Whether vectors of a row of B lie across two cache lines.
template <class T>
bool straddles(const Product<T>& p) {
  constexpr uintptr_t kLine = 64;
  return (reinterpret_cast<uintptr_t>(p.b) | static_cast<uintptr_t>(p.b_k) * sizeof(T)) % kLine;
}

// Whether a chunk of so many rows and columns packs its operands: once the packed numbers are used
// often enough, and from the start where the micro-kernel cannot read the operand as it lies. A
// turned product copies rows of A, or reads them as they lie.
template <class T>
bool packs_a(const Product<T>& p, int64_t cols) {
  if (p.turned) return collide<T>(p.a_row, 4096);
  const int64_t many = collide<T>(p.a_k == 1 ? p.a_row : p.a_k) ? 128 : 256;
  return (p.a_row != 1 && p.a_k != 1) || (p.m > 1 && cols >= many);
}
template <class T>
bool packs_b(const Product<T>& p, const GemmKernels<T>& kernels, int64_t rows) {
  const int64_t many = straddles(p) ? 100 : 200;
  return p.turned || p.b_col != 1 || (rows >= many && p.n > kernels.cols);
}

// What cutting C into down x across costs the thread with most to do, in multiply-adds per step of
// K: those of whole tiles, and as many as take as long as packing or reading a number of A or B, or
// turning one of C.
template <class T>
int64_t cost_of(const Product<T>& p, const GemmKernels<T>& kernels, const GemmPlan& plan) {
  constexpr int64_t kPack = 18, kReadA = 10, kReadB = 4, kCopy = 14, kTurn = 24;
  const int64_t rows = ceil_div(p.m, plan.down);
  const int64_t cols = std::min(ceil_div(ceil_div(p.n, kernels.cols), plan.across) * kernels.cols,
                                round_up(p.n, kernels.width));
  const int64_t turns = ceil_div(p.batch * plan.down * plan.across, plan.threads);
  const int64_t pack_a = p.turned ? kCopy : kPack;
  const int64_t turning = p.turned ? rows * cols * kTurn / p.k : 0;
  return turns * (rows * cols + rows * (packs_a(p, cols) ? pack_a : kReadA) +
                  cols * (packs_b(p, kernels, rows) ? kPack : kReadB) + turning);
}

// As many chunks as threads, or twice as many where that costs hardly more: then a thread that is
// held up by others on the machine does fewer. What a chunk packs it packs for itself.
template <class T>
void cut(const Product<T>& p, const GemmKernels<T>& kernels, GemmPlan& plan) {
  constexpr int64_t kChunkMacs = kThreadedMacs / 2;
  if (p.macs() < (p.m == 1 ? kThreadedDotMacs : kThreadedMacs)) {
    if (p.batch > 1) plan.group = kThreadedMacs / std::max<int64_t>(p.macs(), 1000);
    return;
  }
  plan.threads = threads_at_hand();
  if (plan.threads == 1) return;
  const int64_t most = std::max<int64_t>(p.macs() / kChunkMacs, 2);
  const int64_t strips = ceil_div(p.n, kernels.cols), panels = ceil_div(p.m, kernels.rows);
  int64_t least = cost_of(p, kernels, plan);
  GemmPlan other = plan;
  for (const int64_t each : {1, 2}) {
    const int64_t chunks = std::min(ceil_div(each * plan.threads, p.batch), most);
    if (each > 1) least += least / 100;
    for (int64_t down = 1; down <= std::min(chunks, panels); ++down) {
      other.across = std::min(chunks / down, strips);
      other.down = down = std::min(chunks / other.across, panels);
      const int64_t cost = cost_of(p, kernels, other);
      if (cost >= least) continue;
      least = cost;
      plan = other;
    }
  }
}

template <class T>
GemmPlan make_plan(const Product<T>& p, const GemmKernels<T>& kernels) {
  GemmPlan plan;
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

template <class T>
void multiply_blocked(const Product<T>& p, const GemmPlan& plan) {
  const int64_t width = kernels<T>().gemm.cols, strips = ceil_div(p.n, width);
  std::atomic<bool> out_of_memory{false};
  const auto multiply_part = [&](const Product<T>& one, int64_t row, int64_t col) {
    T* const room = plan.scratch() ? thread_scratch<T>(kGemmRoom<T>) : nullptr;
    if (plan.scratch() && !room) {
      out_of_memory = true;
      return;
    }
    const int64_t i = part_begin(p.m, row, plan.down);
    const int64_t j = part_begin(strips, col, plan.across) * width;
    const int64_t end = part_begin(strips, col + 1, plan.across) * width;
    multiply_chunk(one, plan, i, part_begin(p.m, row + 1, plan.down) - i, j, std::min(end, p.n) - j,
                   room);
  };
  const int64_t chunks = plan.down * plan.across;
  if (p.batch == 1 && chunks == 1) {
    multiply_part(p, 0, 0);
  } else {
    const Chunks groups{p.batch * chunks, plan.group};
    parallel_for(groups.count(), [&](int64_t group) {
      for (int64_t chunk = groups.begin(group); chunk < groups.end(group); ++chunk) {
        const int64_t place = chunk % chunks;
        multiply_part(p.at(chunk / chunks), place / plan.across, place % plan.across);
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

// The transposed product has the operands in turn.
template <class T>
void swap_operands(Product<T>& p) {
  std::swap(p.m, p.n);
  std::swap(p.a, p.b);
  std::swap(p.a_row, p.b_col);
  std::swap(p.a_k, p.b_k);
  std::swap(p.a_batch, p.b_batch);
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
    swap_operands(p);
  }
  if (p.k <= 1) p.a_k = 1;
  if (p.m == 1 && p.a_k != 1) p.a_row = 1;
  if (p.n == 1) p.b_col = 1;
}

// A few rows times a transposed matrix: the transposed product reads the matrix as it lies, packs
// the rows instead of it and turns its tiles on their way out. Takes it if that is cheaper.
template <class T>
void turn_over(Product<T>& p, GemmPlan& plan) {
  constexpr int64_t kTurnMacs = 250'000;  // below this, the choice takes too long
  if (p.b_k != 1 || p.b_col == 1 || p.n <= p.m || p.macs() < kTurnMacs) return;
  if (p.add && p.k > kMaxDepth<T>) return;  // C comes first in the sum of its blocks
  const GemmKernels<T>& kernels = sf::kernels<T>().gemm;
  Product<T> turned = p;
  turned.turned = true;
  swap_operands(turned);
  const GemmPlan other = make_plan(turned, kernels);
  const int64_t cols = ceil_div(ceil_div(turned.n, kernels.cols), other.across) * kernels.cols;
  if (turned_room<T>(cols, p.k) > kGemmRoom<T>) return;
  if (cost_of(turned, kernels, other) >= cost_of(p, kernels, plan)) return;
  p = turned;
  plan = other;
}

}  // namespace

template <class T>
void multiply(Product<T> p) {
  normalise(p);
  if (is_dot(p)) return multiply_dot(p);
  GemmPlan plan = make_plan(p, kernels<T>().gemm);
  turn_over(p, plan);
  multiply_blocked(p, plan);
}

template void multiply<float>(Product<float>);
template void multiply<double>(Product<double>);

}  // namespace sf
