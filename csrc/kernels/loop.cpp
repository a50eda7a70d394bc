#include "kernels/loop.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace sf {
namespace {

// True if dimension d + 1 continues dimension d in every operand.
bool mergeable(const Loop& loop, int d) {
  for (int k = 0; k < loop.operands; ++k) {
    if (loop.strides[k][d] != loop.strides[k][d + 1] * loop.sizes[d + 1]) return false;
  }
  return true;
}

void swap_dims(Loop& loop, int a, int b) {
  std::swap(loop.sizes[a], loop.sizes[b]);
  for (int k = 0; k < loop.operands; ++k) std::swap(loop.strides[k][a], loop.strides[k][b]);
}

// True if dimension a should be inside dimension b: smaller strides in the first operand that
// tells them apart.
bool inside(const Loop& loop, int a, int b) {
  for (int k = 0; k < loop.operands; ++k) {
    const int64_t sa = std::abs(loop.strides[k][a]), sb = std::abs(loop.strides[k][b]);
    if (sa != sb && sa && sb) return sa < sb;
  }
  return false;
}

void sort_dims(Loop& loop) {
  for (int i = 1; i < loop.ndim; ++i) {
    for (int j = i; j > 0 && inside(loop, j - 1, j); --j) swap_dims(loop, j - 1, j);
  }
}

void merge_dims(Loop& loop) {
  int kept = 0;
  for (int d = 1; d < loop.ndim; ++d) {
    // Compare with the last kept dimension, moved next to d.
    if (kept != d - 1) {
      loop.sizes[d - 1] = loop.sizes[kept];
      for (int k = 0; k < loop.operands; ++k) loop.strides[k][d - 1] = loop.strides[k][kept];
    }
    if (mergeable(loop, d - 1)) {
      loop.sizes[kept] = loop.sizes[d - 1] * loop.sizes[d];
    } else {
      ++kept;
      loop.sizes[kept] = loop.sizes[d];
    }
    for (int k = 0; k < loop.operands; ++k) loop.strides[k][kept] = loop.strides[k][d];
  }
  loop.ndim = kept + 1;
}

}  // namespace

Loop make_loop(std::initializer_list<const Array*> arrays) {
  Loop loop;
  const Array& first = **arrays.begin();
  loop.operands = static_cast<int>(arrays.size());
  loop.total = first.numel();
  int k = 0;
  for (const Array* array : arrays) {
    loop.item[k] = array ? size_of(array->dtype) : 1;
    loop.data[k++] = array ? static_cast<char*>(array->data) : nullptr;
  }
  for (int d = 0; d < first.shape.ndim(); ++d) {
    if (first.shape[d] == 1) continue;
    k = 0;
    for (const Array* array : arrays) {
      loop.strides[k][loop.ndim] = array ? array->strides[d] * loop.item[k] : 0;
      ++k;
    }
    loop.sizes[loop.ndim++] = first.shape[d];
  }
  if (loop.ndim == 0) {
    loop.ndim = 1;
    loop.sizes[0] = loop.total;
    for (k = 0; k < loop.operands; ++k) loop.strides[k][0] = loop.data[k] ? loop.item[k] : 0;
  }
  if (loop.ndim > 1 && loop.total > 0) {
    sort_dims(loop);
    merge_dims(loop);
  }
  for (k = 0; k < loop.operands; ++k) {  // items have 1, 2, 4 or 8 bytes
    loop.steps[k] =
        loop.strides[k][loop.ndim - 1] >> std::countr_zero(static_cast<uint64_t>(loop.item[k]));
  }
  return loop;
}

}  // namespace sf
