// Integer matrix products: plain loops, exact modulo the width of the type.
#pragma once
#include <algorithm>
#include <type_traits>

#include "base/parallel.h"
#include "kernels/gemm_product.h"

namespace sf {

// Row i of C: one scaled row of B after the other.
template <class T>
void int_row(const Product<T>& p, int64_t i) {
  using U = std::make_unsigned_t<T>;  // wraps around without undefined behaviour
  T* c = p.c + i * p.c_row;
  if (!p.add) std::fill_n(c, p.n, T{0});
  for (int64_t k = 0; k < p.k; ++k) {
    const U factor = static_cast<U>(p.a[i * p.a_row + k * p.a_k]);
    const T* b = p.b + k * p.b_k;
    if (p.b_col == 1) {
      for (int64_t j = 0; j < p.n; ++j) c[j] = static_cast<T>(U(c[j]) + factor * U(b[j]));
    } else {
      for (int64_t j = 0; j < p.n; ++j) c[j] = static_cast<T>(U(c[j]) + factor * U(b[j * p.b_col]));
    }
  }
}

template <class T>
void multiply_int(const Product<T>& p) {
  const int64_t row_macs = std::max<int64_t>(p.n * p.k, 1);
  const Chunks chunks{p.batch * p.m, std::max<int64_t>(kThreadedDotMacs / row_macs, 1)};
  parallel_for(chunks.count(), [&](int64_t chunk) {
    for (int64_t row = chunks.begin(chunk); row < chunks.end(chunk); ++row) {
      int_row(p.at(row / p.m), row % p.m);
    }
  });
}

}  // namespace sf
