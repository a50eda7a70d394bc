// One matrix product, as the parts of gemm pass it on: gemm.cpp checks and dispatches,
// gemm_product.cpp blocks, packs and shares out floating point, gemm_int.h does integers.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/rounding.h"
#include "kernels/elementwise_table.h"

namespace sf {

// Longest K block: a panel of A (14 rows at most, padded to 16) takes 24 KiB of the first-level
// cache.
template <class T>
constexpr int64_t kMaxDepth = 1536 / static_cast<int64_t>(sizeof(T));

// All K blocks but the last have this depth: equal parts, a function of K alone.
template <class T>
int64_t block_depth(int64_t k) {
  if (k <= kMaxDepth<T>) return std::max<int64_t>(k, 1);
  return round_up(ceil_div(k, ceil_div(k, kMaxDepth<T>)), 4);
}

// `total` rows shared out evenly over as few panels of at most `most` as possible.
struct Panels {
  int64_t count, shorter, longer;  // panels; rows of the shorter ones; how many have one row more
  Panels(int64_t rows, int64_t most)
      : count(rows <= most ? std::min<int64_t>(rows, 1) : ceil_div(rows, most)),
        shorter(count <= 1 ? rows : rows / count),
        longer(rows - shorter * count) {}
  int64_t start(int64_t i) const { return shorter * i + std::min(i, longer); }
  int64_t rows(int64_t i) const { return shorter + (i < longer ? 1 : 0); }
};

template <class T>
struct Product {
  int64_t m, n, k;
  const T* a;
  int64_t a_row, a_k;
  const T* b;
  int64_t b_k, b_col;
  T* c;
  int64_t c_row;
  bool add;
  const T* bias;
  int64_t bias_step;  // 1; 0 once a column of results has become a row (dot products only)
  // Of the finished sums; null for none. Its values go to `activated`, which is c or laid out as c.
  void (*activation)(const T* x, T* y, int64_t n, const T* params) = nullptr;
  T* activated = nullptr;
  T params[kMaxParams] = {};
  // Whether c is the transposed result: element (i, j) lies at c[j * c_row + i], bias goes along m.
  bool turned = false;
  // `batch` products, this far apart.
  int64_t batch, a_batch, b_batch, c_batch;

  int64_t macs() const { return m * n * k; }  // multiply-adds of one product
  Product at(int64_t index) const {
    Product p = *this;
    p.a += index * a_batch;
    p.b += index * b_batch;
    p.c += index * c_batch;
    if (activated) p.activated += index * c_batch;
    return p;
  }
};

// Below this many multiply-adds (some 20 us) a second thread costs more than it brings; where each
// number is used but once, memory is the limit and a quarter takes as long.
constexpr int64_t kThreadedMacs = 1'000'000;
constexpr int64_t kThreadedDotMacs = kThreadedMacs / 4;

template <class T>
void multiply(Product<T> product);  // float, double

}  // namespace sf
