// Walking several strided arrays of one shape together: dimensions are sorted by the strides of the
// first array, merged where possible, and the rest is cut into rows and into chunks for the
// threads.
#pragma once
#include <cstdint>
#include <initializer_list>

#include "base/array.h"
#include "base/parallel.h"

namespace sf {

// Work of less than some 20 us stays on the caller's thread: waking another takes 2, often in vain.
// It is counted in bytes that a core moves in that time while its second-level cache holds them, as
// it does about so many; more take three times as long.
constexpr int64_t kSerialBytes = 1 << 20;
// What an element of an op of which nothing else is known costs, in such bytes.
constexpr int64_t kCostly = 32;
constexpr int64_t kSerialBelow = kSerialBytes / kCostly;  // elements of such an op
constexpr int64_t kChunkElements = 16384;
// Results from this size on are written past the caches, which could not keep them.
constexpr int64_t kStreamBytes = 8 << 20;
constexpr int kMaxOperands = 5;

// Strides in bytes. The last dimension is the inner loop; a plan has at least one dimension.
struct Loop {
  int operands = 0;
  int ndim = 0;
  int64_t total = 0;
  int64_t sizes[kMaxDims];
  int64_t strides[kMaxOperands][kMaxDims];
  int64_t item[kMaxOperands];
  int64_t steps[kMaxOperands];  // strides of the inner loop, in elements
  char* data[kMaxOperands];

  int64_t inner() const { return sizes[ndim - 1]; }
  int64_t step(int operand) const { return steps[operand]; }
  // What an element costs that takes as long as `cost` bytes moved, if moving it does not take
  // longer or it has to be gathered.
  int64_t cost(int64_t cost) const {
    int64_t bytes = 0;
    for (int k = 0; k < operands; ++k) {
      if (steps[k] != 0) bytes += item[k];
      if (steps[k] != 0 && steps[k] != 1 && cost < kCostly) cost = kCostly;
    }
    return bytes < cost ? cost : bytes;
  }
};

// All arrays have the shape of the first, which is the one written; a null array is left out of
// the walk (its pointer stays null).
Loop make_loop(std::initializer_list<const Array*> arrays);

// Calls fn(pointers, n) for every piece of a row that lies in [begin, end) of the flattened loop.
template <class F>
void for_rows(const Loop& loop, int64_t begin, int64_t end, F&& fn) {
  const int64_t inner = loop.inner();
  int64_t index[kMaxDims];
  int64_t rest = begin;
  for (int d = loop.ndim - 1; d > 0; --d) {
    index[d] = rest ? rest % loop.sizes[d] : 0;
    rest = rest ? rest / loop.sizes[d] : 0;
  }
  index[0] = rest;
  char* at[kMaxOperands];
  for (int k = 0; k < loop.operands; ++k) {
    at[k] = loop.data[k];
    for (int d = 0; d < loop.ndim; ++d) at[k] += index[d] * loop.strides[k][d];
  }
  while (begin < end) {
    const int64_t left = inner - index[loop.ndim - 1];
    const int64_t n = left < end - begin ? left : end - begin;
    fn(static_cast<char* const*>(at), n);
    begin += n;
    if (begin >= end) return;
    const int last = loop.ndim - 1;
    for (int k = 0; k < loop.operands; ++k) at[k] -= index[last] * loop.strides[k][last];
    index[last] = 0;
    for (int d = last - 1; d >= 0; --d) {
      ++index[d];
      for (int k = 0; k < loop.operands; ++k) at[k] += loop.strides[k][d];
      if (index[d] < loop.sizes[d]) break;
      for (int k = 0; k < loop.operands; ++k) at[k] -= index[d] * loop.strides[k][d];
      index[d] = 0;
    }
  }
}

// for_rows over the whole loop, on several threads above the break-even. An element takes as long
// as `cost` bytes moved, or as moving it takes.
template <class F>
void parallel_rows(const Loop& loop, F&& fn, int64_t cost = kCostly) {
  if (loop.total * loop.cost(cost) <= kSerialBytes) {
    if (loop.total > 0) for_rows(loop, 0, loop.total, fn);
    return;
  }
  const Chunks chunks{loop.total, kChunkElements};
  parallel_for(chunks.count(),
               [&](int64_t i) { for_rows(loop, chunks.begin(i), chunks.end(i), fn); });
}

}  // namespace sf
