// Walking an array line by line along one dimension.
#pragma once
#include <algorithm>

#include "kernels/loop.h"

namespace sf {

inline Array narrowed(Array a, int dim) {
  a.shape[dim] = 1;
  return a;
}

// Calls fn(pointers) at the start of every line; the loop is made of narrowed arrays.
template <class F>
void for_lines(const Loop& loop, int64_t length, const F& fn) {
  const auto rows = [&](char* const* at, int64_t n) {
    char* p[kMaxOperands];
    for (int64_t i = 0; i < n; ++i) {
      for (int k = 0; k < loop.operands; ++k) {
        p[k] = at[k] + i * loop.strides[k][loop.ndim - 1];
      }
      fn(static_cast<char* const*>(p));
    }
  };
  if (loop.total * length <= kSerialBelow) {
    if (loop.total > 0) for_rows(loop, 0, loop.total, rows);
    return;
  }
  const Chunks chunks{loop.total, std::max<int64_t>(1, kChunkElements / length)};
  parallel_for(chunks.count(),
               [&](int64_t c) { for_rows(loop, chunks.begin(c), chunks.end(c), rows); });
}

}  // namespace sf
