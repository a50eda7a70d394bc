// Plain loops for ops that need no vector code of their own: the compiler's vectoriser does enough.
#pragma once
#include <tuple>
#include <utility>

#include "kernels/loop.h"

namespace sf {

constexpr int64_t kMapBlock = 512;  // elements that an operand with gaps is gathered in

// p itself where it is contiguous, else its next n elements in the buffer.
template <class T>
const T* gathered(const char* p, int64_t step, int64_t n, T* buffer) {
  const T* from = reinterpret_cast<const T*>(p);
  if (step == 1) return from;
  if (step == 0) {
    for (int64_t i = 0; i < n; ++i) buffer[i] = *from;
  } else {
    for (int64_t i = 0; i < n; ++i) buffer[i] = from[i * step];
  }
  return buffer;
}

template <class T>
struct MapBuffer {
  MapBuffer() {}  // leaves the values as they are
  T values[kMapBlock];
};

// out = f(in...) over rows; operand 0 of the loop is the output, the others follow in order.
// `cost`: see parallel_rows.
template <class Out, class... In, class F>
void map_rows(const Loop& loop, const F& f, int64_t cost = kCostly) {
  const auto row = [&](char* const* at, int64_t n) {
    std::tuple<MapBuffer<In>...> buffers;
    const auto block = [&]<size_t... k>(int64_t begin, int64_t m, std::index_sequence<k...>) {
      Out* out = reinterpret_cast<Out*>(at[0]) + begin * loop.step(0);
      const std::tuple<const In*...> in{
          gathered(at[k + 1] + begin * loop.strides[k + 1][loop.ndim - 1],
                   loop.step(static_cast<int>(k) + 1), m, std::get<k>(buffers).values)...};
      if (loop.step(0) == 1) {
        for (int64_t i = 0; i < m; ++i) out[i] = f(std::get<k>(in)[i]...);
      } else {
        for (int64_t i = 0; i < m; ++i) out[i * loop.step(0)] = f(std::get<k>(in)[i]...);
      }
    };
    for (int64_t i = 0; i < n; i += kMapBlock) {
      block(i, n - i < kMapBlock ? n - i : kMapBlock, std::index_sequence_for<In...>{});
    }
  };
  parallel_rows(loop, row, cost);
}

}  // namespace sf
