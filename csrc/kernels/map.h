// Plain loops for ops that need no vector code of their own: the compiler's vectoriser does enough.
#pragma once
#include "kernels/loop.h"

namespace sf {

// out = f(in...) over rows; operand 0 of the loop is the output, the others follow in order.
template <class Out, class... In, class F>
void map_rows(const Loop& loop, const F& f) {
  parallel_rows(loop, [&](char* const* at, int64_t n) {
    [&]<size_t... k>(std::index_sequence<k...>) {
      Out* out = reinterpret_cast<Out*>(at[0]);
      const bool contiguous =
          loop.step(0) == 1 && ((loop.step(static_cast<int>(k) + 1) == 1) && ...);
      if (contiguous) {
        for (int64_t i = 0; i < n; ++i) out[i] = f(reinterpret_cast<const In*>(at[k + 1])[i]...);
        return;
      }
      const int64_t steps[] = {loop.step(0), loop.step(static_cast<int>(k) + 1)...};
      for (int64_t i = 0; i < n; ++i) {
        out[i * steps[0]] = f(reinterpret_cast<const In*>(at[k + 1])[i * steps[k + 1]]...);
      }
    }(std::index_sequence_for<In...>{});
  });
}

}  // namespace sf
